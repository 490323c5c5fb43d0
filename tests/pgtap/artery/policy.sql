-- Rate limit and breaker: decided in the claim and the report, for all runners together
begin;
set client_min_messages = warning;
\ir _setup.psql
select no_plan();

select t.runner() as r1 \gset
select t.runner() as r2 \gset

-- limiter: 50 a second with a burst of 10
select t.endpoint('limited', '{"rate_per_second": 50, "burst": 10}');
select count(artery.enqueue_task('limited')) from generate_series(1, 200);
create temp table sends as select c.delay_ms from artery.claim_tasks(:r1, 1000) as c;
select is((select count(*) from sends), 60::bigint, 'a claim hands out the burst and one second ahead');
select cmp_ok((select count(*) from sends where delay_ms = 0), '>=', 7::bigint, 'most of the burst may go at once');
select cmp_ok((select count(*) from sends where delay_ms <= 50), '>=', 10::bigint, '... all of it as soon as a claim is surely there');
select cmp_ok((select max(delay_ms) from sends), '<=', 1050::double precision, 'the last one a second later');
select cmp_ok(
    (select max(n) from (
        select count(*) over (order by delay_ms range between 499.9 preceding and current row) as n from sends
    ) as w),
    '<=', 35::bigint, 'no half second holds more than the burst and half the rate'
);
-- on a busy machine the next token may be there already
update artery.rate_limiter set next_free_at = next_free_at + interval '1 hour';
select is(t.claim(:r2), '{}', 'another runner finds the bucket empty');
update artery.rate_limiter set next_free_at = next_free_at - interval '1 hour 1 second';
select is(
    (select count(*) from artery.claim_tasks(:r2, 20) as c where c.delay_ms between 0 and 450), 20::bigint,
    'after a second the next may go, evenly'
);
select is(
    (select count(*) from artery.integration_task where status = 'processing'), 80::bigint,
    'what was not handed out waits, unclaimed'
);

update artery.endpoint set enabled = false;

-- breaker
select t.endpoint('breaks', '{"breaker_min_calls": 10, "breaker_failure_rate": 0.5}') as breaks \gset
select count(artery.enqueue_task('breaks')) from generate_series(1, 100);
create function t.fail(p_ids bigint[], p_status integer) returns jsonb language sql as $$
    select artery.report_results(x.runner_id, jsonb_agg(t.result(x.id, p_status)))
    from artery.integration_task as x where x.id = any(p_ids) group by x.runner_id
$$;
create function t.breaker() returns text language sql as $$
    select b.state from artery.breaker as b inner join artery.endpoint as e on e.id = b.endpoint_id
    where e.name = 'breaks'
$$;
-- makes the time of the next probe come
create function t.pass() returns void language sql as $$
    update artery.breaker set probe_at = clock_timestamp()
$$;

select t.fail(t.claim(:r1, 9), 500);
select is(t.breaker(), 'closed', 'fewer calls than the sample open nothing, all failed as they are');
select t.fail(t.claim(:r1, 20), 200);
select is(t.breaker(), 'closed', '9 failures in 29 are below the rate');
select is(t.fail(t.claim(:r1, 20), 503) -> 'hold', format('[%s]', :breaks)::jsonb, 'at the rate the report says to hold');
select is(t.breaker(), 'open', '... and the breaker is open');
select is(t.claim(:r2), '{}', 'no runner gets a task of it');
select cmp_ok(artery.runner_sleep(:r2), '<=', 15.0::double precision, 'sleepers know when it probes');
select t.pass();
select t.claim(:r1) as probe \gset
select is(cardinality(:'probe'::bigint[]), 1, 'then one call probes');
select is(t.claim(:r2), '{}', '... one only');
select t.fail(:'probe', 500);
select is(t.breaker(), 'open', 'a failed probe opens it again');
select t.pass();
select t.claim(:r1) as probe \gset
select t.fail(:'probe', 404);
select is(t.breaker(), 'closed', 'an answer closes it, be it a refusal');
select results_eq(
    $$select from_state || '>' || to_state from artery.breaker_event order by id$$,
    array['closed>open', 'open>half_open', 'half_open>open', 'open>half_open', 'half_open>closed'],
    'one event a transition'
);
select t.claim(:r1, 10) as own \gset
select artery.report_results(:r1, (
    select jsonb_agg(t.result(u.id, null, '{"error_kind": "dns"}')) from unnest(:'own'::bigint[]) as u (id)
));
select is(t.breaker(), 'closed', 'faults of ours open nothing');

-- by hand
set local role artery_operator;
select is(artery.open_breaker('breaks', 'maintenance'), true, 'an operator opens it');
select is(artery.open_breaker('breaks', 'maintenance'), false, '... once');
reset role;
select is(t.claim(:r1, 1), '{}', 'and no probe closes what was opened by hand');
select is((select by_hand and probe_at is null from artery.breaker where endpoint_id = :breaks), true, '... ever');
set local role artery_operator;
select is(artery.close_breaker('breaks'), true, 'an operator closes it');
select throws_ok($$select artery.open_breaker('nobody')$$, '42704', null, 'an unknown endpoint is an error');
reset role;
select is(cardinality(t.claim(:r1, 5)), 5, 'and tasks flow again');

-- what a status means can differ
select t.endpoint('conflicts', '{"status_outcomes": {"409": "sent", "404": "failed"}}');
select artery.enqueue_task('conflicts') as c1, artery.enqueue_task('conflicts') as c2 \gset
select t.claim(:r1);
select t.report(:r1, t.result(:c1, 409), t.result(:c2, 404));
select is(t.status(:c1), 'sent', 'a 409 that means done ends sent');
select is(t.status(:c2), 'failed', 'a 404 that means not yet waits');
select throws_ok(
    $$update artery.endpoint set status_outcomes = '{"409": "lost"}'$$, '23514', null, 'unknown outcomes are refused'
);

update artery.endpoint set enabled = false;

-- 410: gone
select t.endpoint('gone');
select artery.enqueue_task('gone') as g1, artery.enqueue_task('gone') as g2 \gset
select t.claim(:r1, 1);
select t.report(:r1, t.result(:g1, 410));
select is(t.status(:g1), 'dead', '410 ends the task');
select is((select enabled from artery.endpoint where name = 'gone'), false, '... and disables the endpoint');
select is(t.claim(:r1, 1), '{}', 'its other tasks wait');

-- not idempotent: few under way, since a crash leaves each of them for a person
select t.endpoint('once');
update artery.endpoint set idempotent = false where name = 'once';
select count(artery.enqueue_task('once')) from generate_series(1, 30);
select is(cardinality(t.claim(:r1, 100)), 10, 'at most ten calls whose repetition would do harm are out at once');

select * from finish();
rollback;
