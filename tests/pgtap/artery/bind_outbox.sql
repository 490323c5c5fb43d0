begin;
select no_plan();
\ir _setup.psql
select t.endpoint('orders') as e \gset
insert into artery.route (topic, endpoint_id, path_template) values ('gone', :e, '/gone');
select is((select count(*)::int from pg_roles where rolname like 'tap\_%'), 0, 'no roles are left of before');
create role tap_erp nologin;
create role tap_clerk nologin;
grant artery_admin to tap_erp;
-- somebody's ERP: its own schema, its own owner, nothing granted to us
create schema erp authorization tap_erp;
grant usage on schema erp to tap_clerk;
set role tap_erp;
create table erp."Sales Order" (id int primary key, "the no" text not null, total numeric(12, 2), state text);
grant select, insert, update, delete on erp."Sales Order" to tap_clerk;

select lives_ok($$select artery.bind_outbox('erp."Sales Order"', 'orders', 'new.state = ''released'' and old.state is distinct from new.state',
    'jsonb_build_object(''no'', new."the no", ''total'', new.total)', 'new."the no"', 'new.id')$$, 'the table''s owner binds it, without a line of its code changed');
set role tap_clerk;
insert into erp."Sales Order" values (1, 'SO-1', 10, 'draft'), (2, 'SO-2', 20.50, 'released');
update erp."Sales Order" set total = 11 where id = 1;
reset role;
select results_eq('select topic, body, document_type, document_id, ordering_key, status from artery.integration_task',
    $$values ('orders', '{"no": "SO-2", "total": 20.50}', 'erp."Sales Order"', 'SO-2', '2', 'pending')$$, 'a row that the condition lets through is enqueued, by whoever writes it; others are not');
set role tap_clerk;
update erp."Sales Order" set state = 'released';
select throws_ok($$select artery.enqueue_task('orders')$$, '42501', null, 'the writer of the table may do nothing else with the outbox');
reset role;
select is((select array_agg(document_id) from artery.integration_task where id > (select min(id) from artery.integration_task)), '{SO-1}', 'an update too, where the condition holds now and did not before');
savepoint s;
update erp."Sales Order" set state = 'draft';
update erp."Sales Order" set state = 'released' where id = 2;
rollback to s;
select is((select count(*)::int from artery.integration_task), 2, 'rolled back, it was never there');

-- binding again replaces, other topics stay; delete
set role tap_erp;
select artery.bind_outbox('erp."Sales Order"', 'orders', p_events => '{update}');
select artery.bind_outbox('erp."Sales Order"', 'gone', p_payload => 'jsonb_build_object(''was'', old."the no")', p_events => '{delete}');
select is((select count(*)::int from pg_trigger where tgrelid = 'erp."Sales Order"'::regclass), 2, 'binding again replaces');
set role tap_clerk;
insert into erp."Sales Order" values (3, 'SO-3', null, null);
update erp."Sales Order" set total = 5 where id = 3;
delete from erp."Sales Order" where id = 3;
reset role;
select results_eq('select topic, body::jsonb, document_id from artery.integration_task where id > (select min(id) + 1 from artery.integration_task)',
    $$values ('orders', '{"id": 3, "the no": "SO-3", "total": 5.00, "state": null}'::jsonb, null::text), ('gone', '{"was": "SO-3"}', null)$$, 'by default the whole row is the payload; a delete knows old');
set role tap_erp;
select is(artery.unbind_outbox('erp."Sales Order"', 'orders'), 1, 'unbound by topic');
select is(artery.unbind_outbox('erp."Sales Order"', 'orders'), 0, '... once');
reset role;
select (select count(*)::int from artery.integration_task) as tasks \gset
update erp."Sales Order" set total = 99;
select is((select count(*)::int from artery.integration_task), :tasks, 'nothing more is enqueued');

-- long topics that begin alike
insert into artery.route (topic, endpoint_id, path_template) select 'long.' || repeat('x', 100) || i, :e, '/' from generate_series(1, 2) as i;
set role tap_erp;
select lives_ok(format($$select artery.bind_outbox('erp."Sales Order"', %L)$$, 'long.' || repeat('x', 100) || i), 'a topic longer than a trigger''s name: ' || i) from generate_series(1, 2) as i;
select artery.unbind_outbox('erp."Sales Order"', 'long.' || repeat('x', 100) || i) from generate_series(1, 2) as i;

-- what is wrong is told at once, and leaves the binding as it was
reset role;
create table t.lines ();
set role tap_erp;
create temp table bad (state text, call text);
insert into bad values
('IN001', $$select artery.bind_outbox('erp."Sales Order"', 'nope')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', 'new.nowhere = 1')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', 'new.total')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', 'new.total >')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', null, 'new.nowhere')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', null, 'no_such_function(new)')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', null, null)$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', null, '')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', 'new.total > 1', '(select to_jsonb(count(*)) from t.lines)')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', p_document_id => '1; drop table erp."Sales Order"')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', p_ordering_key => '(select x from erp."Sales Order")')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', p_events => '{truncate}')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', p_events => '{}')$$),
('IN013', $$select artery.bind_outbox('erp."Sales Order"', 'gone', p_events => null)$$),
('42P01', $$select artery.bind_outbox('erp.none', 'gone')$$);
select is(e.state, b.state, 'refused: ' || substring(call from 'artery.*')) from bad as b, t.error(call) as e;
select isnt(coalesce(hint, ''), '', 'with a hint') from bad as b, t.error(call) as e where b.state like 'IN%';
select is((select count(*)::int from pg_trigger where tgrelid = 'erp."Sales Order"'::regclass), 1, 'the binding that was there stays');
reset role;

-- a payload that cannot do with an empty row is not wrong for that
alter table erp."Sales Order" add check (total > 0);
set role tap_erp;
select lives_ok($$select artery.bind_outbox('erp."Sales Order"', 'orders', null, 'jsonb_build_object(new."the no", (1 / new.total))')$$, 'an expression that fails on an empty row can be bound');
reset role;
select lives_ok($$insert into erp."Sales Order" values (4, 'SO-4', 4, 'x')$$, '... and works on a full one');
set role tap_erp;
select lives_ok($$select artery.bind_outbox('erp."Sales Order"', 'orders', 'false) or (new.id = 5')$$, 'a condition that only holds together in brackets does not fall apart');
reset role;
delete from artery.integration_task;
insert into erp."Sales Order" values (5, 'SO-5', 4, 'x'), (6, 'SO-6', 4, 'x');
select is((select count(*)::int from artery.integration_task), 1, '... and decides');

-- who may
grant artery_app to tap_clerk;
set role tap_clerk;
select throws_ok($$select artery.bind_outbox('erp."Sales Order"', 'orders')$$, '42501', null, 'the ERP''s code can bind nothing');
select throws_ok($$select artery._try_binding(null::erp."Sales Order", 'true', '''{}''', 'null', 'null')$$, '42501', null, '... nor run expressions as our owner');
select throws_ok($$create trigger x after insert on erp."Sales Order" for each row execute function artery.outbox_binding('orders')$$, '42501', null, '... nor make a trigger with expressions of its own');
select throws_ok($$select artery._binding_query('1', '2', '3', '4')$$, '42501', null, '... nor reach inside');
reset role;
revoke artery_admin from tap_erp;
set role tap_erp;
select throws_ok($$select artery.bind_outbox('erp."Sales Order"', 'orders')$$, '42501', null, 'owning the table is not enough');
reset role;
grant artery_admin to tap_clerk;
set role tap_clerk;
select throws_ok($$select artery.bind_outbox('erp."Sales Order"', 'gone')$$, '42501', null, 'nor is being our admin: the table is its owner''s');
reset role;

select * from finish();
rollback;
