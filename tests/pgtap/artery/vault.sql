begin;
select no_plan();
\ir _setup.psql
select t.endpoint('mes') as mes \gset
select t.endpoint('shop') as shop \gset
create function t.version(p_endpoint integer) returns integer language sql as $$ select version from artery.endpoint where id = p_endpoint $$;
create function t.put(p_name text, p_version integer, p_endpoint integer default null, p_base_url text default null) returns text[] language sql as
$$ select artery.put_secret(p_name, p_version, 'k1', convert_to(p_name || p_version, 'UTF8'), p_endpoint, p_base_url) $$;
create function t.live(p_name text) returns integer[] language sql as $$ select array_agg(version) from artery.vault_secrets(array[p_name]) $$;

select is((select count(*)::int from pg_constraint where conrelid = 'artery.system_vault'::regclass and contype = 'c'), 0,
    'the vault has no CHECK: a failed one would write the row into the log');

-- names
select is(state, 'IN014', format('%L is no name', name)) from (values (''), ('1a'), ('a b'), (repeat('x', 64)), (null), ('sk/live')) as n (name), t.error(format('select artery.secret_slot(%L)', name));
select unalike(detail || hint, '%sk/live%', 'what was given as a name is not in the error') from t.error($$select artery.secret_slot('sk/live')$$);
select is(state, '42704', 'an endpoint that is not there') from t.error($$select artery.secret_slot('A', 'nowhere')$$);

-- versions
select results_eq($$select * from artery.secret_slot('A')$$, $$values (1, null::integer, null::integer, null::text, null::text)$$, 'a new name begins at version 1');
select is(t.put('A', 1), '{}', 'stored, used by nobody');
select results_eq($$select version, live from artery.secret_slot('A')$$, $$values (2, 1)$$, 'the next is version 2');
select is(state, 'IN032', format('version %s is not the next', v)) from unnest(array[1, 3, null]) as u (v), t.error(format('select t.put(''A'', %L)', v));
select t.put('A', 2);
select is(t.live('A'), '{2,1}', 'the one before stays live, the newest comes first');
select t.put('A', 3);
select is(t.live('A'), '{3,2}', 'but no third');
select is((select ciphertext from artery.system_vault where name = 'A' and version = 1), null, 'what is retired is erased');
select is((select array_agg(state order by version) from artery.list_secrets() where name = 'A'), '{retired,previous,current}', 'the list tells them apart');

-- who uses it reads it anew
update artery.endpoint set auth_kind = 'bearer', secret_ref = 'vault:A' where id = :mes;
update artery.endpoint set signing_ref = 'vault:A' where id = :shop;
select t.endpoint('other') as other \gset
select t.version(:mes) as m, t.version(:shop) as s, t.version(:other) as o \gset
select is(t.put('A', 4), '{mes,shop}', 'a rotation names the endpoints that use the secret');
select is(array[t.version(:mes), t.version(:shop), t.version(:other)], array[:m + 1, :s + 1, :o], '... and raises their version, and no other''s');
select is((select used_by from artery.list_secrets() where name = 'A' and state = 'current'), '{mes,shop}', '... as the list does');
select is(artery.retire_secret('A'), '{3}', 'retiring erases all but the newest');
select is(t.version(:mes), :m + 2, 'runners are told');
select is(t.live('A'), '{4}', 'one is left');
select is(artery.retire_secret('A'), '{}', 'again: nothing to do');
select is(state, 'IN033', 'a secret in use cannot go') from t.error($$select artery.retire_secret('A', true)$$);
select is(t.live('A'), '{4}', '... and is still there');
select is(state, 'IN031', 'what is not there cannot go') from t.error($$select artery.retire_secret('B')$$);
update artery.endpoint set auth_kind = 'none', secret_ref = null, signing_ref = null;
select is(artery.retire_secret('A', true), '{4}', 'one that nobody uses can');
select is(state, 'IN031', '... once') from t.error($$select artery.retire_secret('A', true)$$);
select results_eq($$select version, live from artery.secret_slot('A')$$, $$values (5, null::integer)$$, 'the name may come back, its versions go on');

-- bound
select results_eq($$select version, endpoint, base_url from artery.secret_slot('M', 'mes')$$, $$values (1, 'mes', 'https://mes.example/api/v1')$$, 'what it will be bound to');
select is(state, 'IN032', 'another address than the endpoint has') from t.error(format($$select t.put('M', 1, %s, 'https://evil.example/v1')$$, :mes));
select is(t.put('M', 1, :mes, 'https://mes.example/api/v1'), '{}', 'bound');
select results_eq($$select endpoint, base_url from artery.secret_slot('M')$$, $$values ('mes', 'https://mes.example/api/v1')$$, 'a rotation keeps the binding');
select is(state, 'IN032', 'not keeping it is refused') from t.error($$select t.put('M', 2)$$);
update artery.endpoint set auth_kind = 'bearer', secret_ref = 'vault:M', signing_ref = 'env:S' where id = :mes;
update artery.endpoint set base_url = 'https://new.example/v1' where id = :mes;
select results_eq($$select auth_kind, secret_ref, signing_ref, enabled from artery.endpoint where name = 'mes'$$, $$values ('none', null, null, false)$$,
    'a changed base URL drops secret and signing key, and disables');
select is(state, 'IN034', 'a rotation does not follow the endpoint to a new address') from t.error($$select artery.secret_slot('M')$$);
select is((select base_url from artery.secret_slot('M', 'mes')), 'https://new.example/v1', '... unless told to');
select is(state, 'IN008', 'a literal signing key') from t.error($$update artery.endpoint set signing_ref = 'whsec_abcdef'$$);
select unalike(concat(detail, hint), '%whsec_abc%', '... is not in the error') from t.error($$update artery.endpoint set signing_ref = 'whsec_abcdef'$$);
delete from artery.route where topic = 'mes';
delete from artery.endpoint where name = 'mes';
select is(t.live('M'), null, 'a secret goes with the endpoint it is bound to');

-- another key
select t.put('R', 1);
select is(artery.rekey_secret('R', 1, 'k0', 'k2', 'x'), false, 'sealed anew only from the key it is under');
select is(artery.rekey_secret('R', 1, 'k1', 'k2', 'x'), true, 'sealed anew');
select results_eq($$select key_id, ciphertext from artery.vault_secrets(array['R'])$$, $$values ('k2', 'x'::bytea)$$, '... with the new key');

-- 401. A minute after the last change of an endpoint, as time would have it
create function t.settle() returns void language sql as $$
    set session_replication_role = replica;
    update artery.endpoint set updated_at = now() - interval '61 seconds';
    set session_replication_role = origin;
$$;
select t.runner() as r \gset
update artery.endpoint set auth_kind = 'bearer', secret_ref = 'vault:R' where id = :shop;
select artery.enqueue_task('shop') as k \gset
select t.claim(:r);
select t.version(:shop) as v \gset
select t.put('R', 2);
select t.settle();
select t.report(:r, t.result(:k, 401, jsonb_build_object('endpoint_version', :v)));
select results_eq(format('select status, error_class, failures from t.task(%s)', :k), $$values ('failed', 'own_fault', 0)$$,
    'refused with a secret that was rotated meanwhile: our fault, again');
select t.make_due();
select t.claim(:r);
select t.report(:r, t.result(:k, 401, jsonb_build_object('endpoint_version', t.version(:shop))));
select is(t.status(:k), 'dead', 'refused with the new one too: dead');
select artery.enqueue_task('shop') as k \gset
select t.claim(:r);
select t.report(:r, t.result(:k, 401, jsonb_build_object('endpoint_version', t.version(:shop))));
select results_eq(format('select status, error_class, failures from t.task(%s)', :k), $$values ('failed', 'refused', 1)$$, 'a first 401 with the secret that is in force: once more');
select t.make_due();
select t.claim(:r);
select t.report(:r, t.result(:k, 401, jsonb_build_object('endpoint_version', t.version(:shop))));
select is(t.status(:k), 'dead', '... and no more');
select artery.enqueue_task('shop') as k \gset
select t.put('R', 3);
select t.claim(:r);
select t.report(:r, t.result(:k, 401, jsonb_build_object('endpoint_version', t.version(:shop))));
select t.make_due();
select t.claim(:r);
select t.report(:r, t.result(:k, 401, jsonb_build_object('endpoint_version', t.version(:shop))));
select results_eq(format('select status, error_class, failures from t.task(%s)', :k), $$values ('failed', 'own_fault', 0)$$, 'in the minute after a rotation a 401 costs nothing');
select artery.enqueue_task('other') as k \gset
select t.claim(:r);
select t.report(:r, t.result(:k, 401));
select is(t.status(:k), 'dead', 'without authentication a 401 is final');

select * from finish();
rollback;
