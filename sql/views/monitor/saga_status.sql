create or replace view artery_monitor.saga_status
with (security_invoker = true)
as
select -- noqa: ST06
    s.id as saga_id,
    s.name as saga,
    s.key,
    s.document_type,
    s.document_id,
    s.status,
    s.attention is not null as waits_for_person,
    n.steps,
    n.done,
    s.created_at,
    s.ended_at
from artery.saga as s
cross join lateral (
    select
        count(*) as steps,
        count(*) filter (where r.status in ('done', 'compensated', 'kept')) as done
    from artery.saga_step_run as r
    where r.saga_id = s.id
) as n;

comment on view artery_monitor.saga_status is
'Sagas: how many steps, how many of them are done (or, where it is undone, undone), whether a person has to decide';
grant select on artery_monitor.saga_status to artery_reader;
