create or replace view artery_monitor.inbox_status
with (security_invoker = true)
as
select
    i.table_name,
    i.enabled,
    c.waiting,
    c.parked,
    c.rejected,
    c.oldest_due,
    s.ended_at as swept_at,
    s.outcome,
    s.error
from artery_staging.inbox as i
cross join lateral artery_staging._counts(i.table_name) as c
-- of two lanes the last to be swept
left join lateral (
    select
        x.ended_at,
        x.outcome,
        x.error
    from artery.sweep_step as x
    where x.argument = i.table_name and x.function = 'artery_staging.process_due'
    order by x.ended_at desc nulls last
    limit 1
) as s on true;

comment on view artery_monitor.inbox_status is
'Each inbox: messages waiting, parked, rejected; the oldest one due, which a sweep should have done; its last sweep';
grant select on artery_monitor.inbox_status to artery_reader;
