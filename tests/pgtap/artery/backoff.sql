begin;
select no_plan();
\ir _setup.psql
select t.runner() as r \gset

-- Retry-After, the header
create temp table header (text text, wait interval);
insert into header values
('0', '0'), ('120', '2 minutes'), (' 7 ', '7 s'),
('Sun, 06 Nov 1994 08:49:37 GMT', '37 s'), ('Sunday, 06-Nov-94 08:49:37 GMT', '37 s'), ('Sun Nov  6 08:49:37 1994', '37 s'),
('Sun, 06 Nov 1994 08:48:00 GMT', '0'),
('', null), ('soon', null), ('-5', null), ('1.5', null), ('Sun, 06 Nov 1994 08:49:37 CET', null), ('Sun, 31 Feb 1994 08:49:37 GMT', null),
('Sun, 06 Foo 1994 08:49:37 GMT', null), ('06 Nov 1994', null), (null, null);
select is(artery._retry_after(text, '1994-11-06 08:49:00Z'), wait, format('Retry-After: %L', text)) from header;
select cmp_ok(artery._retry_after('99999999999999', '1994-11-06 08:49:00Z'), '>', interval '1 year', 'an absurd number is a long wait, not none');
select is(artery._retry_after('Sunday, 06-Nov-94 08:49:37 GMT', '2026-01-01Z'), interval '0', 'a two-digit year lies at most 50 years ahead');
set timezone = 'America/New_York';
set datestyle = 'German';
select is(artery._retry_after('Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06 08:49:00Z'), interval '37 s', 'whatever the session''s zone and style');
reset timezone;
reset datestyle;

-- full jitter: 400 tasks at each step
select setseed(0.42);
select t.endpoint('jit', '{"backoff_base": "1 second", "backoff_factor": 2, "backoff_cap": "20 seconds", "max_attempts": 1000}') as jit \gset
select artery.enqueue_task('jit') from generate_series(1, 400) \g /dev/null
create table t.clock (at timestamptz);
insert into t.clock values (now());
create function t.fail(p_runner bigint, p_more jsonb default '{}') returns void language plpgsql as $$
declare
    v_results jsonb;
begin
    perform t.make_due();
    v_results := (select jsonb_agg(t.result(c.id, 503, p_more)) from artery.claim_tasks(p_runner, 1000) as c);
    update t.clock set at = clock_timestamp();
    perform artery.report_results(p_runner, v_results);
end $$;
create function t.waits(out low double precision, out mean double precision, out high double precision) language sql as $$
    select min(w), avg(w), max(w) from (
        select extract(epoch from i.due_at - c.at) as w from artery.integration_task as i cross join t.clock as c where i.topic = 'jit'
    ) as x
$$;
select t.fail(:r);
create temp table step (n int, low float8, mean float8, high float8);
insert into step select 1, * from t.waits();
select t.fail(:r);
insert into step select 2, * from t.waits();
select t.fail(:r);
insert into step select 3, * from t.waits();
select t.fail(:r), t.fail(:r), t.fail(:r), t.fail(:r);
insert into step select 7, * from t.waits();
-- the report reads its clock a little after ours
select cmp_ok(high, '<=', e.top::float8 + 0.1, format('after failure %s nobody waits longer than %s s', n, e.top)) from step, lateral (select least(20, 2 ^ (n - 1)) as top) as e;
select cmp_ok(low, '<', (e.top * 0.05)::float8, format('after failure %s some wait next to nothing: the jitter is full', n)) from step, lateral (select least(20, 2 ^ (n - 1)) as top) as e;
select cmp_ok(abs(mean / e.top - 0.5)::float8, '<', 0.08::float8, format('after failure %s the mean is half of %s s', n, e.top)) from step, lateral (select least(20, 2 ^ (n - 1)) as top) as e;

-- a long history of failures overflows nothing
update artery.integration_task set failures = 900 where topic = 'jit';
update artery.endpoint set backoff_factor = 10, backoff_cap = '10 minutes' where id = :jit;
select lives_ok(format('select t.fail(%s)', :r), 'the 900th failure is reported like the first');
select cmp_ok((select max(due_at) from artery.integration_task where topic = 'jit'), '<=', clock_timestamp() + interval '10 minutes', '... and waits no longer than the cap');
delete from artery.integration_task;

-- own faults
select t.endpoint('own', '{"max_attempts": 2, "backoff_cap": "1 hour"}') as own \gset
select artery.enqueue_task('own') as o \gset
do $$ begin
    for i in 1..70 loop perform t.fail(currval('artery.runner_id_seq'), '{"status_code": null, "error_kind": "dns"}'); end loop;
end $$;
select results_eq(format('select status, attempt, failures from artery.integration_task where id = %s', :o), $$values ('failed', 70, 0)$$,
    '70 faults of our own use up no attempt of two');
select is((select jsonb_array_length(history) from artery.integration_task where id = :o), 50, 'the history keeps 50');
select is((select history -> -1 ->> 'attempt' from artery.integration_task where id = :o), '70', '... the newest');
select artery.retry_task(:o, 'by hand');
select is((select jsonb_array_length(history) from artery.integration_task where id = :o), 50, '... also when a person adds a note');
select is((select history -> -1 ->> 'reason' from artery.integration_task where id = :o), 'by hand', '... which is the newest then');
select t.fail(:r);
select is(t.status(:o), 'failed', 'the first failure that counts');
select t.fail(:r, '{"status_code": null, "error_kind": "dns"}');
select is(t.status(:o), 'failed', '... after which a fault of our own is still not the last');
select t.fail(:r);
select results_eq(format('select status, failures, ended_at is not null from artery.integration_task where id = %s', :o), $$values ('dead', 2, true)$$,
    'max_attempts failures that count: dead');

-- Retry-After, the endpoint
delete from artery.integration_task;
select t.endpoint('ra', '{"backoff_base": "1 ms", "retry_after_cap": "5 minutes", "max_attempts": 3}') as ra \gset
select artery.enqueue_task('ra') as a \gset
select artery.enqueue_task('ra') as b \gset
select t.claim(:r, 1);
select t.report(:r, t.result(:a, 429, '{"retry_after": "60"}'));
select cmp_ok((t.task(:a)).due_at, '>', clock_timestamp() + interval '59 s', 'the task waits as long as it was told');
select results_eq(format('select blocked_until between clock_timestamp() + interval ''59 s'' and clock_timestamp() + interval ''60 s'', blocked_reason
    from artery.rate_limiter where endpoint_id = %s', :ra), $$values (true, 'Retry-After: 60')$$, '... and so does its endpoint');
select t.runner() as r2 \gset
select is(t.claim(:r2), '{}', '... for all runners');
select cmp_ok(artery.runner_sleep(:r2), '<=', 60::double precision, 'a runner knows when the wait of what is due ends');
select cmp_ok(artery.runner_sleep(:r2), '>', 58::double precision, '... and not before');
update artery.rate_limiter set blocked_until = clock_timestamp();
select is(t.claim(:r), array[:b]::bigint[], 'then the next goes');
select t.report(:r, t.result(:b, 503, '{"retry_after": "999999"}'));
select cmp_ok((select blocked_until from artery.rate_limiter where endpoint_id = :ra), '<=', clock_timestamp() + interval '5 minutes', 'an absurd wait is capped');
select t.make_due();
delete from artery.rate_limiter;
select t.claim(:r, 1);
insert into artery.rate_limiter (endpoint_id, blocked_until) values (:ra, clock_timestamp() + interval '200 s');
select t.report(:r, t.result(id, 429, '{"retry_after": "10"}')) from artery.integration_task where status = 'processing';
select cmp_ok((select blocked_until from artery.rate_limiter where endpoint_id = :ra), '>', clock_timestamp() + interval '190 s', 'a later answer does not shorten the wait');
delete from artery.rate_limiter;
select t.make_due();
select t.claim(:r);
-- whichever of them was claimed alone: b is not to end here
update artery.integration_task set failures = case id when :a then 2 else 0 end where id in (:a, :b);
select t.report(:r, t.result(:a, 429, '{"retry_after": "30"}'), t.result(:b, 503, '{"retry_after": "soon"}'));
select is(t.status(:a), 'dead', 'the last attempt got a 429');
select is((select blocked_reason from artery.rate_limiter where endpoint_id = :ra), 'Retry-After: 30', '... and its endpoint waits all the same');
delete from artery.rate_limiter;
select t.make_due();
update artery.endpoint set backoff_base = '10 minutes' where id = :ra;
select t.claim(:r);
select t.report(:r, t.result(:b, 503, '{"retry_after": "1"}'));
select cmp_ok((select blocked_until from artery.rate_limiter where endpoint_id = :ra), '<=', clock_timestamp() + interval '1 s',
    'the endpoint waits as long as it asked, not as long as the task''s own backoff');
delete from artery.rate_limiter;
select artery.enqueue_task('ra') as c \gset
select t.claim(:r);
update artery.endpoint set backoff_base = '1 ms' where id = :ra;
select t.report(:r, t.result(:c, 503));
select cmp_ok((t.task(:c)).due_at, '<', clock_timestamp() + interval '1 s', 'without Retry-After only the backoff counts');
select is_empty('select from artery.rate_limiter', '... and the endpoint is not told to wait');
select t.make_due();
select t.claim(:r);
select t.report(:r, t.result(:c, 400, '{"retry_after": "60"}'));
select is_empty('select from artery.rate_limiter', 'Retry-After counts with 429 and 503 alone');

select * from finish();
rollback;
