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
left join
    artery.sweep_step as s
    on i.table_name = s.argument and s.function = 'artery_staging.process_due';

comment on view artery_monitor.inbox_status is
'Each inbox: messages waiting, parked, rejected; the oldest one due, which a sweep should have done; its last sweep';
grant select on artery_monitor.inbox_status to artery_reader;
