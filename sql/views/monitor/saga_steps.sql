create or replace view artery_monitor.saga_steps
with (security_invoker = true)
as
select -- noqa: ST06
    r.saga_id,
    r.position,
    r.name as step,
    r.status,
    coalesce(r.plan ->> 'topic', r.plan ->> 'function') as does,
    coalesce(r.plan ->> 'undo_topic', r.plan ->> 'undo_function') as undone_by,
    r.task_id,
    a.status as task_status,
    r.query_task_id,
    r.undo_task_id,
    u.status as undo_status,
    r.attempts,
    r.due_at,
    r.error ->> 'message' as error
from artery.saga_step_run as r
left join artery.integration_task as a on r.task_id = a.id
left join artery.integration_task as u on r.undo_task_id = u.id;

comment on view artery_monitor.saga_steps is
'Each saga''s steps in their order: what each does, what would undo it, how far it is, its tasks';
grant select on artery_monitor.saga_steps to artery_reader;
