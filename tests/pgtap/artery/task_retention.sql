-- Tasks by endpoint: deleted at their endpoint's task_keep, and no other
begin;
set client_min_messages = error;
\ir _setup.psql
select no_plan();
select t.runner() as r \gset
select t.endpoint('short') as short \gset
select t.endpoint('long') as long \gset
create function t.age(p_id bigint, p_ended interval, p_created interval default null) returns void language sql as $$
    update artery.integration_task set ended_at = now() - p_ended, created_at = now() - coalesce(p_created, p_ended) where id = p_id
$$;
-- one a day for ten days, of both endpoints; the third of the short one died, the fifth ended late
create temp table task as select d, artery.enqueue_task('short') as short, artery.enqueue_task('long') as long from generate_series(10, 1, -1) as d;
select t.claim(:r, 1000);
select artery.report_results(:r, jsonb_agg(t.result(id, case when id = (select short from task where d = 8) then 400 else 200 end)))
from (select short as id from task union all select long from task) as x;
select t.age(short, d * interval '1 day' + interval '1 minute'), t.age(long, d * interval '1 day' + interval '1 minute') from task;
select t.age(short, '4 hours', '6 days') from task where d = 6;
create function t.kept() returns int[] language sql as $$
    select array_agg(x.d order by x.d desc) from task as x where exists (select from artery.integration_task as y where y.id = x.short)
$$;
select is(artery.trim_tasks(now() + interval '1 minute'), 0::bigint, 'without task_keep all stay');
update artery.endpoint set task_keep = '3 days' where id = :short;
select is(artery.trim_tasks(now() + interval '1 minute'), 6::bigint, 'ended tasks past it go');
select is(t.kept(), '{8,6,2,1}', '... not what is dead, what ended late, what is young');
select is((select count(*)::int from artery.integration_task where topic = 'long'), 10, '... nor another endpoint''s');
select is((select task_id = (select long from task where d = 3) from artery.task_trim), true, 'the next time goes on where this one ended');
select t.age(short, '5 days', '6 days') from task where d = 6;
select is(artery.trim_tasks(now() + interval '1 minute'), 0::bigint, 'what lies behind waits for the next day');
update artery.task_trim set began_at = now() - interval '25 hours';
select is(artery.trim_tasks(now() + interval '1 minute'), 1::bigint, '... and is found then');
select is(t.kept(), '{8,2,1}', '... it alone');
update artery.integration_task set ended_at = ended_at - interval '2 days', created_at = created_at - interval '2 days' where topic = 'short';
select is(artery.trim_tasks(now() + interval '1 minute'), 2::bigint, 'what comes of age goes at once');
select is(artery.trim_tasks(now() - interval '1 minute'), 0::bigint, 'out of time it does nothing');
select throws_ok(format($$update artery.endpoint set task_keep = '1 minute' where id = %s$$, :short), '23514', null, 'less than an hour is refused');
select * from finish();
rollback;
