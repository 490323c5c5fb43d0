create or replace view artery_monitor.runner_status
with (security_invoker = true)
as
select -- noqa: ST06
    r.id,
    r.name,
    r.host,
    r.pid,
    r.version,
    case
        when r.stopped_at is not null then 'stopped'
        when r.seen_at < statement_timestamp() - interval '1 minute' then 'silent'
        when r.asleep then 'idle'
        else 'working'
    end as state,
    f.tasks as in_flight,
    r.started_at,
    r.seen_at,
    r.stopped_at,
    r.stats
from artery.runner as r
cross join lateral (
    select count(*) as tasks
    from artery.integration_task as t
    where t.status = 'processing' and t.runner_id = r.id
) as f;

comment on view artery_monitor.runner_status is
'Runner processes: working, idle, stopped, or silent (no sign of life for a minute: dead, cut off, '
'or hung)';
grant select on artery_monitor.runner_status to artery_reader;
