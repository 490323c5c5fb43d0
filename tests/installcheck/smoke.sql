-- installed, a task goes its way, and dropped again
\pset format unaligned
\pset tuples_only
create extension pg_artery;
insert into artery.endpoint (name, base_url) values ('smoke', 'https://smoke.example/v1');
insert into artery.route (topic, endpoint_id, path_template)
select 'smoke', e.id, '/do' from artery.endpoint as e;
select artery.enqueue_task('smoke', '{"a": 1}') as task \gset
call artery.tick();
select artery.register_runner('smoke', 'localhost', 1, '1') as runner \gset
select t.topic, t.method, t.path, t.body from artery.claim_tasks(:runner) as t;
select artery.report_results(:runner, jsonb_build_array(jsonb_build_object(
    'id', :task, 'attempt', 1, 'span_id', '00000000000000ff', 'status_code', 200,
    'url', 'https://smoke.example/v1/do', 'ago_ms', 1, 'total_ms', 1
))) -> 'applied';
select t.status, t.status_code from artery.integration_task as t;
select count(*) from artery.cloud_log;
drop extension pg_artery;
select count(*) from pg_namespace as n where n.nspname like 'artery%';
