-- A batch costs what its tasks cost, whatever the statistics say. They lie when the queue was analyzed while a large
-- import was still uncommitted: no rows, says the planner, and joins by walking all of them once a task.
begin;
set client_min_messages = warning;
\ir _setup.psql
select no_plan();

select t.endpoint('plans');
select count(artery.enqueue_task('plans', p_ordering_key => case when n % 50 = 0 then 'key ' || n / 100 end))
from generate_series(1, 5000) as n;
update pg_class set reltuples = 0 where oid = 'artery.integration_task'::regclass;
select t.runner() as r1 \gset

-- rows of the queue and entries of its indexes that a statement reads
create function t.reads() returns bigint language sql as $$
    select (select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
            where relid = 'artery.integration_task'::regclass)
$$;
create function t.read_by(p_sql text) returns bigint language plpgsql as $$
declare
    v_before bigint := t.reads();
begin
    execute p_sql;
    return t.reads() - v_before;
end $$;

create temp table mine (id bigint, attempt integer);
select cmp_ok(t.read_by(format('insert into mine select c.id, c.attempt from artery.claim_tasks(%s, 100) as c', :r1)),
    '<', 1000::bigint, 'a claim of 100 reads the rows of some hundred tasks');
select is((select count(*) from mine), 100::bigint, '... and gets them');
select cmp_ok(t.read_by(format($$select artery.renew_leases(%s, array_agg(id), array_agg(attempt)) from mine$$, :r1)),
    '<', 1000::bigint, 'so does a renewal');
select cmp_ok(t.read_by(format(
    $$select artery.report_results(%s, jsonb_agg(t.result(m.id, 200, p_attempt => m.attempt)))
    from (select * from mine order by id limit 50) as m$$, :r1)), '<', 1000::bigint, 'so does a report');
select is((select count(*) from artery.integration_task where status = 'sent'), 50::bigint, '... which ends them');
select cmp_ok(t.read_by(format(
    $$select artery.report_results(%s, jsonb_agg(t.result(m.id, 200, p_attempt => m.attempt)))
    from (select * from mine order by id limit 50) as m$$, :r1)), '<', 1000::bigint, 'so does a stale report');
select cmp_ok(t.read_by(format(
    $$select artery.release_leases(%s, array_agg(m.id), array_agg(m.attempt))
    from (select * from mine order by id desc limit 20) as m$$, :r1)), '<', 1000::bigint, 'so does a release');
update artery.integration_task set locked_until = clock_timestamp() - interval '1 s' where status = 'processing';
select cmp_ok(t.read_by($$select artery.expire_leases('infinity')$$), '<', 1000::bigint, 'so does the sweep of leases');
select is((select count(*) from artery.integration_task where error_class = 'lease_expired'), 30::bigint, '... of all that is left');

-- a plan over thousands of given ids looks dear, and its compilation took ten times what it ran
select is((
    select array_agg(p.oid::regproc::text order by 1) from pg_proc as p
    where p.oid::regproc::text in ('artery_staging._process', 'artery_staging.receive', 'artery._run_step',
        'artery.claim_tasks', 'artery._apply_results') and not coalesce('jit=off' = any(p.proconfig), false)
), null, 'nothing that works through batches compiles its plans');

select * from finish();
rollback;
