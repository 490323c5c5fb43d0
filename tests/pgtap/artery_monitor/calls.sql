begin;
select no_plan();
\ir ../artery/_setup.psql
select artery.create_partitions('infinity');
select t.endpoint('mes') as mes \gset
update artery.call_rollup set counted_until = date_trunc('minute', now(), 'UTC') - interval '50 minutes';

-- two calls a minute for 40 minutes: 1 to 80 ms, every tenth failed, some not timed
insert into artery.cloud_log (
    called_at, task_id, attempt, span_id, runner_id, topic, endpoint_id, request_id, method, url,
    request_bytes, request_hash, outcome, total_ms
)
select
    now() - interval '40 minutes' + n * interval '30 seconds', n, 1, 'x', 1, 'mes', :mes, gen_random_uuid(), 'POST', 'u',
    1, '\x00', case when n % 10 = 0 then 'failed' else 'sent' end, case when n % 40 <> 0 then n end
from generate_series(1, 80) as n;

create temporary table before as
select
    (select array_agg(c order by c.minute, c.bucket, c.outcome) from artery_monitor.calls_last_hour as c)::text as calls,
    (select m from artery_monitor.integration_monitor as m)::text as glance,
    (select array_agg(x order by x.minute) from artery_monitor.call_trend() as x)::text as trend,
    (select s from artery_monitor.endpoint_status as s)::text as endpoint,
    (select array_agg(c order by c.outcome) from artery_monitor.calls_total as c)::text as total;
grant select on before to public;
select cmp_ok(artery.count_calls('infinity'), '>', 4::bigint, 'counted in steps of ten minutes, by outcome');
select cmp_ok(count(*), '>', 40::bigint, 'what surely was over is counted by minute') from artery.call_minute;
select row_eq(
    $$ select
        (select array_agg(c order by c.minute, c.bucket, c.outcome) from artery_monitor.calls_last_hour as c)::text,
        (select m from artery_monitor.integration_monitor as m)::text,
        (select array_agg(x order by x.minute) from artery_monitor.call_trend() as x)::text,
        (select s from artery_monitor.endpoint_status as s)::text,
        (select array_agg(c order by c.outcome) from artery_monitor.calls_total as c)::text $$,
    (select b from before as b),
    'what is shown is the same, from the log or from counts and the log''s end'
);
select is(artery.count_calls('infinity'), 0::bigint, 'nothing is counted twice');
select is((select sum(m.calls)::bigint from artery.call_minute as m), (select sum(c.calls)::bigint from artery.call_count as c), 'the sums rise with it');
select is(m.calls_hour, 80::bigint, 'the hour''s calls') from artery_monitor.integration_monitor as m;
select is(m.sent_hour, 72::bigint, 'those that succeeded') from artery_monitor.integration_monitor as m;
select ok(
    abs(m.p50_ms / p.exact[1] - 1) < 0.1 and abs(m.p95_ms / p.exact[2] - 1) < 0.1 and abs(m.p99_ms / p.exact[3] - 1) < 0.1,
    format('percentiles within a tenth of the exact ones: %s, %s, %s; %s', m.p50_ms, m.p95_ms, m.p99_ms, p.exact)
)
from artery_monitor.integration_monitor as m
cross join (
    select percentile_cont('{0.5, 0.95, 0.99}'::double precision[]) within group (order by l.total_ms) as exact
    from artery.cloud_log as l
) as p;

-- buckets
select is(artery._bucket(x.ms::real), x.bucket::smallint, format('%s ms', x.ms))
from (values (null, -1), (0, 0), (1, 0), (1.01, 1), (2, 8), (2.01, 9), (4, 16), (1024, 80), (1025, 81), (9e9, 170)) as x (ms, bucket);

-- an endpoint's newest calls, from counted minutes and from the log's end
select is(array_agg(c.task_id), array[80, 79, 78]::bigint[], 'the newest calls first') from artery_monitor.last_calls('mes', 3) as c;
select is(count(*), 20::bigint, 'as many as are asked for, however few there are a minute') from artery_monitor.last_calls('mes') as c;
select is_empty($$ select artery_monitor.last_calls('nowhere') $$, 'none of an endpoint that is not there');

-- a moment long past: counted in its time, and forgotten in its time
update artery.call_minute as m set minute = m.minute - interval '3 days';
update artery.call_rollup set counted_until = counted_until - interval '1 minute';
select artery.count_calls('infinity');
select is_empty('select from artery.call_minute as m where m.minute < now() - interval ''2 days''', 'old minutes go');
select is((t.error($$ update artery.call_rollup set counted_until = now() + interval '1 second 1 millisecond' $$)).state, '23514', 'counted by whole minutes');

-- sagas as steps, reasons by code
insert into artery.saga (name, version, context, key) values ('s', 1, '{}', 'k');
insert into artery.saga_step_run (saga_id, position, name, plan, status)
select s.id, n, 'step ' || n, '{"function": "f.g"}', case n when 1 then 'done' else 'waiting' end
from artery.saga as s cross join generate_series(1, 3) as n;
select results_eq('select s.step, s.does from artery_monitor.saga_steps as s order by s.position', $$ values ('step 1', 'f.g'), ('step 2', 'f.g'), ('step 3', 'f.g') $$, 'steps in order');
select row_eq('select s.steps, s.done from artery_monitor.saga_status as s', row(3::bigint, 1::bigint), 'how far a saga is');
insert into artery_staging.plm_bom (message_id, body, status, reasons)
select 'm' || n, n::text, 'rejected', jsonb_build_array(
    artery._reason('IN201', 'first ' || n, 'h'), artery._reason('IN20' || n % 2, 'other', 'h')
)
from generate_series(1, 3) as n;
select results_eq(
    'select r.code, r.messages, r.sample from artery_monitor.reject_reasons as r order by r.code',
    $$ values ('IN200', 1::bigint, 'other'), ('IN201', 3, 'first 3') $$, 'why messages are rejected, by code'
);
select * from finish();
rollback;
