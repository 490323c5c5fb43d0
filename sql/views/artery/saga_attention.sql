create or replace view artery.saga_attention
with (security_invoker = true)
as
select
    s.id as saga_id,
    s.name as saga,
    s.key,
    s.document_type,
    s.document_id,
    s.status,
    r.name as step,
    r.status as step_status,
    t.id as task_id,
    t.status as task_status,
    r.error,
    (s.history -> -1 ->> 'at')::timestamptz as since,
    case r.status
        when 'unknown'
            then 'Find out whether it took effect; then artery.resolve_saga_step, '
                'or artery.resume_saga to ask or try again'
        else 'Its undo failed for good: artery.resume_saga to try it again, '
            'artery.resolve_saga_step if it was undone by hand'
    end as hint
from artery.saga as s
inner join artery.saga_step_run as r on s.id = r.saga_id
left join
    artery.integration_task as t
    on t.id = case r.status when 'unknown' then r.task_id else r.undo_task_id end
where r.status in ('unknown', 'stuck');
comment on view artery.saga_attention is 'Sagas that wait for a person, with the step they wait at and what can be done';
grant select on artery.saga_attention to artery_reader;
