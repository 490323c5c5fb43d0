begin;
select no_plan();
\ir _setup.psql
select t.endpoint('cloud') as c \gset
select t.endpoint('mes', '{"cloud": false}') as m \gset
select artery.enqueue_task('cloud', '{"n": 1}') as a \gset
select artery.enqueue_task('cloud') as b \gset
select artery.enqueue_task('mes') as d \gset
select t.runner() as r \gset

-- cloud_outbox
select set_eq('select id from artery.cloud_outbox', array[:a, :b]::bigint[], 'the cloud outbox holds the cloud-bound tasks');
select lives_ok($$select * from artery.cloud_outbox where status = 'pending' for update skip locked limit 10$$, 'the mission''s own statement runs as it stands');
select is((select count(*)::int from (select id from artery.cloud_outbox where status = 'pending' for update skip locked limit 10) as x), 2, '... and gives what is pending');

-- what each role may do, tried as that role. Roles inherit: reader < operator < admin.
create function t.may(p_role text, p_sql text) returns boolean language plpgsql as $$
begin
    execute format('set local role %I', p_role);
    begin
        execute p_sql;
        raise exception using errcode = 'T0000';
    exception
        when insufficient_privilege then
            reset role;
            return false;
        when others then
            reset role;
            return true;
    end;
end $$;
create temp table may (roles text, deed text, call text);
insert into may values
('app', 'enqueue', $$select artery.enqueue_task('cloud')$$),
('runner', 'register', $$select artery.register_runner('x', 'h', 1, 'v')$$),
('runner', 'claim', $$select artery.claim_tasks(1)$$),
('runner', 'report', $$select artery.report_results(1, '[]')$$),
('runner', 'renew', $$select artery.renew_leases(1, '{}', '{}')$$),
('runner', 'release', $$select artery.release_leases(1, '{}', '{}')$$),
('runner', 'sleep', $$select artery.runner_sleep(1)$$),
('runner', 'heartbeat', $$select artery.runner_heartbeat(1)$$),
('runner', 'stop', $$select artery.stop_runner(-1)$$),
('runner reader operator admin', 'read the settings to call by', $$select artery.endpoint_config('{}')$$),
('runner admin', 'sweep', $$call artery.tick()$$),
('operator admin', 'retry', $$select artery.retry_task(-1)$$),
('operator admin', 'retry many', $$select artery.retry_tasks('{"topic": "x"}', null)$$),
('operator admin', 'cancel', $$select artery.cancel_task(-1)$$),
('operator admin', 'hold', $$select artery.hold_task(-1, 'x')$$),
('operator admin', 'hold many', $$select artery.hold_tasks('{"topic": "x"}', 'x')$$),
('operator admin', 'release', $$select artery.release_task(-1)$$),
('operator admin', 'release many', $$select artery.release_tasks('{"topic": "x"}', 'x')$$),
('reader operator admin', 'read tasks', $$select from artery.integration_task$$),
('reader operator admin', 'read the cloud outbox', $$select from artery.cloud_outbox$$),
('reader operator admin', 'read the log', $$select from artery.cloud_log$$),
('reader operator admin', 'read endpoints', $$select from artery.endpoint$$),
('reader operator admin', 'read routes', $$select from artery.route$$),
('reader operator admin', 'read runners', $$select from artery.runner$$),
('reader operator admin', 'read answers not yet handled', $$select from artery.unhandled_reply$$),
('reader operator admin', 'read waits', $$select from artery.rate_limiter$$),
('reader operator admin', 'read steps', $$select from artery.sweep_step$$),
('reader operator admin', 'read the retention', $$select from artery.retention$$),
('admin', 'add an endpoint', $$insert into artery.endpoint (name, base_url) values ('x', 'https://x.example/v1')$$),
('admin', 'change an endpoint', $$update artery.endpoint set enabled = false$$),
('admin', 'add a route', $$insert into artery.route (topic, endpoint_id, path_template, reply_handler) select 'x', id, '/', 't.handler' from artery.endpoint$$),
('admin', 'remove a route', $$delete from artery.route where topic = 'none'$$),
('admin', 'register a step', $$insert into artery.sweep_step (name, function, every) values ('x', 't.step', '1 s')$$),
('admin', 'set the retention', $$update artery.retention set ended_tasks = '30 days'$$),
('admin', 'set what is kept of the log', $$update artery.partitioning set keep = '30 days'$$),
('runner admin', 'read sealed secrets', $$select artery.vault_secrets('{}')$$),
('admin', 'see where a secret will stand', $$select artery.secret_slot('x')$$),
('admin', 'store a secret', $$select artery.put_secret('x', 1, 'k', '', null, null)$$),
('admin', 'list secrets', $$select artery.list_secrets()$$),
('admin', 'retire a secret', $$select artery.retire_secret('x')$$),
('admin', 'seal a secret anew', $$select artery.rekey_secret('x', 1, 'k', 'l', '')$$),
('', 'read the vault', $$select from artery.system_vault$$),
('', 'write the vault', $$update artery.system_vault set retired_at = null$$),
('', 'insert a task past enqueue_task', $$insert into artery.integration_task (topic) values ('x')$$),
('', 'change a task', $$update artery.integration_task set status = 'sent'$$),
('', 'delete a task', $$delete from artery.integration_task$$),
('', 'lock a task', $$select id from artery.integration_task for update$$),
('', 'write the log', $$delete from artery.cloud_log$$),
('', 'write waits', $$delete from artery.rate_limiter$$),
('', 'write runners', $$update artery.runner set stopped_at = now()$$),
('', 'write lanes', $$delete from artery.lane$$),
('', 'run a handler', $$select artery._run_handler(1, 'x', '{}')$$),
('', 'make a partition', $$select artery._ensure_partition('artery.cloud_log', now())$$),
('', 'create in our schema', $$create table artery.x ()$$);
create function t.handler(jsonb) returns void language sql as 'select 1';
create function t.step(timestamptz) returns bigint language sql as 'select 1::bigint';
select is((select coalesce(string_agg(r, ' ' order by o), '') from unnest(array['app', 'runner', 'reader', 'operator', 'admin']) with ordinality as u (r, o) where t.may('artery_' || r, m.call)),
    m.roles, coalesce(nullif(m.roles, ''), 'nobody') || ' may ' || deed) from may as m;
select lives_ok($$set local role artery_admin; insert into artery.route (topic, endpoint_id, path_template, reply_handler) select 'x', min(id), '/', 't.handler' from artery.endpoint$$,
    'an admin can name a reply handler');
select lives_ok($$insert into artery.sweep_step (name, function, every) values ('x', 't.step', '1 s')$$, '... and a sweep step');
select lives_ok($$update artery.endpoint set headers = '{"x": "y"}'$$, '... and headers');
select lives_ok($$delete from artery.route where topic = 'x'$$, '... and take a route away');
reset role;
create role tap_nobody nologin;
select is(t.may('tap_nobody', 'select artery.enqueue_task(''cloud'')'), false, 'PUBLIC may nothing: not enqueue');
select is(t.may('tap_nobody', 'select artery.claim_tasks(1)'), false, '... not claim');
select is(t.may('tap_nobody', 'call artery.tick()'), false, '... not sweep');
select is(t.may('tap_nobody', 'select from artery.integration_task'), false, '... not read');

select * from finish();
rollback;
