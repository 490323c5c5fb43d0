create or replace view artery.saga_violations
with (security_invoker = true)
as
with step as (
    select
        s.id as saga_id,
        s.status as saga_status,
        s.attention,
        r.position,
        r.name,
        r.status,
        r.plan ?| array['undo_topic', 'undo_function'] as has_undo,
        r.due_at is not null
        or t.status in ('pending', 'processing', 'failed')
        or t.handler_status = 'failed' as driven
    from artery.saga as s
    inner join artery.saga_step_run as r on s.id = r.saga_id
    left join
        artery.integration_task as t
        on t.id = case r.status
            when 'running' then r.task_id
            when 'querying' then r.query_task_id
            when 'compensating' then r.undo_task_id
        end
)

select
    p.saga_id,
    p.name as step,
    format('the saga is complete, its step %s', p.status) as violation
from step as p
where p.saga_status = 'complete' and p.status <> 'done'
union all
select
    p.saga_id,
    p.name as step,
    format('the saga is compensated, its step %s', p.status) as violation
from step as p
where p.saga_status = 'compensated' and p.status not in ('waiting', 'failed', 'compensated', 'kept')
union all
select
    p.saga_id,
    p.name as step,
    format('the step is %s, and nothing will move it on', p.status) as violation
from step as p
where p.status in ('running', 'querying', 'compensating') and p.driven is not true
union all
select
    p.saga_id,
    p.name as step,
    'a later step began before this one was done, or was undone after it' as violation
from step as p
inner join step as l on p.saga_id = l.saga_id and p.position < l.position
where
    p.status in ('waiting', 'running', 'querying', 'unknown') and l.status <> 'waiting'
    or p.has_undo and p.status in ('compensating', 'compensated', 'stuck')
    and l.status in ('running', 'querying', 'unknown', 'done', 'compensating', 'stuck')
union all
select
    p.saga_id,
    null as step,
    'the saga is under way, and no step of it is' as violation
from step as p
where p.saga_status in ('running', 'compensating')
group by p.saga_id
having not bool_or(p.status in ('running', 'querying', 'unknown', 'compensating', 'stuck'))
union all
select
    p.saga_id,
    null as step,
    'attention does not say what its steps say' as violation
from step as p
group by p.saga_id
having bool_or(p.attention is not null) <> bool_or(p.status in ('unknown', 'stuck'));
comment on view artery.saga_violations is
'Each saga is complete, fully compensated, moving, or visibly waiting for a person: no rows while that holds';
grant select on artery.saga_violations to artery_reader;
