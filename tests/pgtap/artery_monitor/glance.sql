begin;
select no_plan();
\ir ../artery/_setup.psql
select artery.create_partitions('infinity');
select t.runner() as r1 \gset
select t.endpoint('mes', '{"backoff_base": "1 h", "backoff_cap": "1 h", "max_attempts": 2}') as mes \gset
select t.endpoint('tax', '{"idempotent": false}') as tax \gset
select artery.enqueue_task('mes', '{}', p_document_type => 'mo', p_document_id => 'MO-1') as sent \gset
select artery.enqueue_task('mes', '{}', p_document_type => 'mo', p_document_id => 'MO-2') as failed \gset
select artery.enqueue_task('mes', '{}', p_document_type => 'mo', p_document_id => 'MO-3') as dead \gset
select artery.enqueue_task('tax', '{}', p_document_type => 'invoice', p_document_id => 'INV-1') as held \gset
select t.claim(:r1);
select t.report(
    :r1, t.result(:sent, 200), t.result(:failed, 503),
    t.result(:dead, 400, '{"response_body": "unknown item <b>X</b>", "total_ms": 400}')
);
update artery.integration_task as x set locked_until = clock_timestamp() - interval '1 ms' where x.id = :held;
select artery.expire_leases('infinity');
select artery.enqueue_task('mes', '{}', p_document_type => 'mo', p_document_id => 'MO-4') as waiting \gset

select results_eq(
    $$ select m.topic, m.endpoint, m.waiting, m.in_flight, m.failed, m.held, m.dead, m.calls_hour, m.sent_hour
       from artery_monitor.integration_monitor as m order by m.topic $$,
    $$ values ('mes', 'mes', 2::bigint, 0::bigint, 1::bigint, 0::bigint, 1::bigint, 3::bigint, 1::bigint),
              ('tax', 'tax', 0, 0, 0, 1, 0, 0, 0) $$,
    'each topic: what waits, what failed, what was called'
);
select results_eq(
    $$ select m.p50_ms between 4.0 / 1.1 and 4.0, m.p99_ms between 400 / 1.1 and 400 * 1.1
       from artery_monitor.integration_monitor as m where m.topic = 'mes' $$,
    $$ values (true, true) $$,
    'percentiles of the last hour''s calls, within a ninth'
);
select is(m.last_error, 'unknown item <b>X</b>', 'the last error is the receiver''s answer')
from artery_monitor.integration_monitor as m where m.topic = 'mes';

-- find
select is(
    (select array_agg(f.id) from artery_monitor.find_tasks('{"status": "dead"}') as f), array[:dead]::bigint[], 'found by status'
);
select is(
    (select array_agg(f.id) from artery_monitor.find_tasks('{"document_type": "mo", "topic": "mes"}', 2) as f),
    array[:waiting, :dead]::bigint[], 'newest first, no more than asked for'
);
select is(
    (select array_agg(f.id) from artery_monitor.find_tasks('{"error": "UNKNOWN ITEM"}') as f), array[:dead]::bigint[],
    'found by a part of the error'
);
select is(
    (select count(*) from artery_monitor.find_tasks(jsonb_build_object('before_id', :dead, 'endpoint', 'mes')) as f), 2::bigint,
    'older than one that was shown'
);
select is(
    (select array_agg(f.id) from artery_monitor.find_tasks('{"document_id": "x'' or true --"}') as f), null,
    'a value is a value, whatever is in it'
);
select is((t.error($$ select artery_monitor.find_tasks('{"colour": "red"}') $$)).state, 'IN014', 'an unknown key is refused');
select is((t.error($$ select artery_monitor.find_tasks('{}', 0) $$)).state, 'IN014', 'a limit of nothing is refused');

-- the story of one
select results_eq(
    format('select l.event, l.status_code from artery_monitor.task_timeline(%s) as l', :dead),
    $$ values ('enqueued', null::integer), ('called: dead', 400), ('dead', null) $$,
    'a task that was refused: enqueued, called, dead'
);
select results_eq(
    format('select l.event, l.note from artery_monitor.task_timeline(%s) as l where l.attempt = 1', :held),
    format(
        $$ select 'attempt: held'::text, e.error ->> 'message' from artery.integration_task as e where e.id = %s $$, :held
    ),
    'an attempt whose runner never told is told by the history'
);
select artery.retry_task(:dead, 'item was made');
select is(
    (select l.event || ', ' || l.who || ': ' || l.note from artery_monitor.task_timeline(:dead) as l where l.event = 'retry'),
    'retry, ' || session_user || ': item was made', 'what people did, and why'
);
select is_empty('select * from artery_monitor.task_timeline(-1)', 'no rows for a task that is not there');

-- what somebody must look at
select set_eq(
    $$ select a.severity, a.subject from artery_monitor.attention() as a $$,
    $$ values ('critical', 'sweeps'), ('critical', 'tax') $$,
    'held tasks and sweeps that never ran are critical; a retried task is no alarm'
);
update artery.sweep_step set next_run_at = now(), started_at = now(), ended_at = now(), outcome = 'done';
update artery.runner set seen_at = now() - interval '2 minutes';
update artery.integration_task as x set due_at = now() - interval '6 minutes' where x.id = :waiting;
select artery.open_breaker('mes', 'told by phone');
select set_eq(
    $$ select a.severity, a.subject, left(a.found, 14) from artery_monitor.attention() as a $$,
    $$ values ('critical', 'tax', '1 held, outcom'), ('critical', 'runners', 'no runner is a'), ('warning', 'runner t', 'process 1 on h'),
              ('warning', 'mes', 'behind: the ol'), ('warning', 'endpoint mes', 'breaker open: ') $$,
    'runners that are silent, tasks overdue, a breaker open'
);
select artery.cancel_task(:held, 'issued by hand');
select artery.close_breaker('mes', 'back');
update artery.runner set seen_at = now();
update artery.integration_task as x set due_at = now() where x.id = :waiting;
update artery.sweep_step set outcome = 'failed', error = '{"message": "no luck"}' where name = 'expire_leases';
select results_eq(
    $$ select a.subject, a.found from artery_monitor.attention() as a $$,
    $$ values ('sweep expire_leases', 'no luck') $$, 'a sweep that fails says why; all else is mended'
);
update artery.sweep_step set next_run_at = now() - interval '2 minutes' where name = 'expire_leases';
update artery.sweep_step set next_run_at = now() - interval '50 minutes', every = '1 hour' where name = 'create_partitions';
select is(
    (select string_agg(s.name, ' ') from artery_monitor.sweep_status as s where s.state = 'overdue'), 'expire_leases',
    'overdue is later than its interval and a minute'
);

-- one task and one endpoint, whole
select is(row(k.status, k.document_id, k.saga_id), row('pending'::text, 'MO-3'::text, null::bigint), 'one task') from artery_monitor.task(:dead) as k;
select is_empty('select * from artery_monitor.task(-1)', 'none');
select results_eq(
    $$ select s.endpoint, s.breaker, s.calls_hour, s.failed_hour from artery_monitor.endpoint_status as s order by 1 $$,
    $$ values ('mes', 'closed', 3::bigint, 2::bigint), ('tax', 'closed', 0, 0) $$, 'each endpoint'
);
select results_eq(
    $$ select r.endpoint, sum(r.calls), sum(r.failed) from artery_monitor.call_trend() as r group by 1 $$,
    $$ values ('mes', 3::numeric, 2::numeric) $$, 'calls by the minute'
);
select isnt(artery_monitor.pulse(), null, 'a pulse');

-- partitions
select results_eq(
    $$ select h.partitions >= 8, h.days_left from artery_monitor.partition_horizon as h where h.parent = 'artery.cloud_log' $$,
    $$ values (true, 7) $$, 'the horizon is read from the bounds'
);
do $$
declare v_part text;
begin
    for v_part in
        select i.inhrelid::regclass::text from pg_inherits as i
        where i.inhparent = 'artery.cloud_log'::regclass order by i.inhrelid::regclass::text desc limit 6
    loop
        execute 'drop table ' || v_part;
    end loop;
end $$;
select is(a.severity || ': ' || a.found, 'critical: partitions reach 1 days ahead', 'a near horizon is critical')
from artery_monitor.attention() as a where a.subject = 'artery.cloud_log';

-- the set-up
select set_has(
    $$ select d.subject, d.state from artery_monitor.doctor() as d $$,
    $$ values ('PostgreSQL', 'ok'), ('setting autovacuum', 'ok'), ('notification queue', 'ok') $$, 'a sound server'
);
set local synchronous_commit = off;
select is(d.state, 'warning', 'a setting that loses commits') from artery_monitor.doctor() as d
where d.subject = 'setting synchronous_commit';
set local synchronous_commit = remote_apply;
select is(d.state, 'ok', 'one that is safer still') from artery_monitor.doctor() as d
where d.subject = 'setting synchronous_commit';
create role glance_operator login in role artery_operator;
-- and whoever else has it: roles are the whole server's
select matches(d.found, '\mglance_operator\M', 'who has a role') from artery_monitor.doctor() as d where d.subject = 'role artery_operator';

-- readers may look, others may not
set local role artery_reader;
select lives_ok(
    format('select * from artery_monitor.%s', v.name), v.name || ' is for readers'
)
from (values
    ('integration_monitor'), ('runner_status'), ('sweep_status'), ('partition_horizon'), ('xmin_holders'), ('table_health'),
    ('inbox_status'), ('endpoint_status'), ('pulse()'), ('call_trend()'), ('task(1)'), ('attention()'), ('doctor()'), ('find_tasks()'), ('task_timeline(1)')
) as v (name);
set local role artery_app;
select throws_ok('select * from artery_monitor.attention()', '42501', null, 'not for the application');
reset role;
select * from finish();
rollback;
