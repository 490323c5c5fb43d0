begin;
select no_plan();
\ir _setup.psql
select t.runner() as r1 \gset
select t.runner() as r2 \gset

-- what a claim gives
select t.endpoint('one', '{"max_attempts": 3}') as one \gset
select artery.enqueue_task('one', '{"n": 1}', p_headers => '{"h": "v"}') as a \gset
select results_eq(format('select id, attempt, topic, endpoint_id, endpoint_version, method, path, content_type, headers, body
    from artery.claim_tasks(%s)', :r1),
    format($$values (%s::bigint, 1, 'one', %s, 2, 'POST', '/do', 'application/json', '{"h": "v"}'::jsonb, '{"n": 1}')$$, :a, :one),
    'a claim gives the frozen request and its attempt');
select results_eq(format('select status, runner_id, attempt, started_at is not null, locked_until - started_at between
    interval ''29 s'' and interval ''31 s'' from artery.integration_task where id = %s', :a),
    format('values (''processing'', %s::bigint, 1, true, true)', :r1), 'the task is leased to the runner');
select is(t.claim(:r2), '{}', 'what is leased is given to nobody else');

-- who may claim
select throws_ok('select artery.claim_tasks(-1)', 'IN012', null, 'an unknown runner claims nothing');
select throws_ok('select artery.claim_tasks(null)', 'IN012', null, 'nor does no runner');
select t.runner() as gone \gset
select artery.stop_runner(:gone);
select throws_ok(format('select artery.claim_tasks(%s)', :gone), 'IN012', null, 'nor a stopped one');
select artery.enqueue_task('one') as b \gset
select is(t.claim(:r1, 0), '{}', 'a claim of none gives none');
select throws_ok(format('select artery.claim_tasks(%s, 10, null)', :r1), 'IN014', null, 'a lease without end is refused');
select throws_ok(format('select artery.claim_tasks(%s, 10, ''0'')', :r1), 'IN014', null, 'as is one without length');
select is(t.claim(:r1), array[:b]::bigint[], 'the task was still there');

-- order
select artery.enqueue_task('one', p_due_at => clock_timestamp() + interval '1 hour') as later \gset
select artery.enqueue_task('one', p_priority => 5::smallint) as p5 \gset
select artery.enqueue_task('one', p_priority => 0::smallint) as p0 \gset
select artery.enqueue_task('one', p_priority => 9::smallint) as p9 \gset
select is(t.claim(:r1, 1), array[:p0]::bigint[], 'the highest priority (0) goes first');
select is(t.claim(:r1, 1), array[:p5]::bigint[], 'then the middle one');
select is(t.claim(:r1), array[:p9]::bigint[], 'then the last; a delayed task not before its time');
select artery.enqueue_task('one') as beside \gset
select is(t.claim(:r1), array[:beside]::bigint[], '... nor beside one that is due');
update artery.integration_task set due_at = clock_timestamp() where id = :later;
select is(t.claim(:r1), array[:later]::bigint[], 'and then it goes');
select artery.enqueue_task('one') as first \gset
select artery.enqueue_task('one') as second \gset
select is(t.claim(:r1, 1), array[:first]::bigint[], 'within a priority by due time');
select t.claim(:r1);

-- endpoints that are off or told to wait
select artery.enqueue_task('one') as off \gset
update artery.endpoint set enabled = false where id = :one;
select is(t.claim(:r1), '{}', 'a disabled endpoint gets nothing');
update artery.endpoint set enabled = true where id = :one;
insert into artery.rate_limiter (endpoint_id, blocked_until) values (:one, clock_timestamp() + interval '1 hour');
select is(t.claim(:r1), '{}', 'nor does one that told us to wait');
update artery.rate_limiter set blocked_until = clock_timestamp();
select is(t.claim(:r1), array[:off]::bigint[], 'until the wait is over');

-- most calls under way
select t.endpoint('narrow', '{"max_in_flight": 3}') as narrow \gset
select artery.enqueue_task('narrow') from generate_series(1, 10);
select is(cardinality(t.claim(:r1, 2)), 2, 'max_in_flight: room for all of a small claim');
select is(cardinality(t.claim(:r2)), 1, 'max_in_flight: the rest of the room, for all runners together');
select is(cardinality(t.claim(:r1)), 0, 'max_in_flight: then nothing');
select t.report(:r2, t.result(id, 200)) from artery.integration_task where runner_id = :r2 and status = 'processing';
select is(cardinality(t.claim(:r1)), 1, 'max_in_flight: an end makes room');

-- fairness
delete from artery.integration_task;
select t.endpoint('fair' || i) from generate_series(1, 5) as i;
insert into artery.integration_task (request_id, topic, endpoint_id, priority, max_attempts, due_at, method, path, content_type, request_hash)
select gen_random_uuid(), e.name, e.id, 5, 3, clock_timestamp() - interval '1 hour', 'POST', '/do', 'x', ''
from artery.endpoint as e cross join generate_series(1, case e.name when 'fair1' then 10000 else 50 end)
where e.name like 'fair%';
create temp table share as
select i as round, c.endpoint_id, count(*) as n from generate_series(1, 4) as i, lateral artery.claim_tasks(:r1, 50 + 0 * i) as c group by 1, 2;
select is((select count(*)::int from share where n <> 10), 0, 'five endpoints share each claim equally, though one has 10,000 tasks');
select is((select count(*)::int from share), 20, '... all five in every claim');
select is((select sum(cardinality(t.claim(:r1, 100 + 0 * i)))::int from generate_series(1, 3) as i), 300,
    'what the others leave of their share goes to the one that has more');
select is((select count(*)::int from artery.integration_task where status in ('pending') and topic <> 'fair1'), 0,
    'the small ones are done first');
select is(cardinality(t.claim(:r1, 3)), 3, 'fewer wanted than there are endpoints');

-- the frontier
delete from artery.integration_task;
select set_config('artery.claim_cursor', '', false);
select artery.enqueue_task('one') as f1 \gset
select t.claim(:r1);
select isnt((current_setting('artery.claim_cursor')::jsonb -> 'frontier' ->> format('%s/5', :one)), null, 'a claim moves the lane''s frontier');
select artery.enqueue_task('one') as late \gset
update artery.integration_task set due_at = clock_timestamp() - interval '1 hour' where id = :late;
-- hold off the next unbounded claim, as a costly one would
select set_config('artery.claim_cursor', (current_setting('artery.claim_cursor')::jsonb
    || jsonb_build_object('next_unbounded_at', clock_timestamp() + interval '30 s'))::text, false);
select is(t.claim(:r1), '{}', 'a task far behind the frontier is not seen by a bounded claim');
select set_config('artery.claim_cursor', (current_setting('artery.claim_cursor')::jsonb
    || jsonb_build_object('next_unbounded_at', clock_timestamp() - interval '1 ms'))::text, false);
select is(t.claim(:r1), array[:late]::bigint[], 'the unbounded claim finds what was committed late');
select artery.enqueue_task('one') as f2 \gset
update artery.integration_task set due_at = due_at - interval '50 ms' where id = :f2;
select set_config('artery.claim_cursor', jsonb_build_object('next_unbounded_at', clock_timestamp() + interval '30 s',
    'frontier', jsonb_build_object(format('%s/5', :one), clock_timestamp()))::text, false);
select is(t.claim(:r1), array[:f2]::bigint[], 'a little behind the frontier is within the slack');
-- a clock that was set back
select artery.enqueue_task('one') as back \gset
select set_config('artery.claim_cursor', jsonb_build_object('next_unbounded_at', clock_timestamp() + interval '1 hour',
    'frontier', jsonb_build_object(format('%s/5', :one), clock_timestamp() + interval '1 hour'))::text, false);
select is(t.claim(:r1), array[:back]::bigint[], 'a cursor from the future (clock set back) hides nothing');
select cmp_ok((current_setting('artery.claim_cursor')::jsonb -> 'frontier' ->> format('%s/5', :one))::timestamptz, '<=',
    clock_timestamp(), '... and comes back to the present');

-- asleep
select artery.runner_sleep(:r1);
select is((select asleep from artery.runner where id = :r1), true, 'a runner can be marked asleep');
select t.claim(:r1);
select is((select asleep from artery.runner where id = :r1), true, 'a claim that finds nothing leaves it asleep');
select artery.enqueue_task('one');
select t.claim(:r1);
select is((select asleep from artery.runner where id = :r1), false, 'one that finds work wakes it');

select * from finish();
rollback;
