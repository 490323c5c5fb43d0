create or replace view artery.saga_history
with (security_invoker = true)
as
select
    s.id as saga_id,
    s.name as saga,
    s.key,
    s.document_id,
    h.at,
    h.step,
    h.event,
    coalesce(
        h.reason,
        concat_ws(
            ' ',
            h.error ->> 'outcome',
            h.error ->> 'status_code',
            h.error ->> 'kind',
            h.error ->> 'sqlstate',
            h.error ->> 'message'
        )
    ) as detail,
    h.who
from artery.saga as s
cross join lateral jsonb_to_recordset(s.history) as h (
    at timestamptz, who text, event text, step text, reason text, error jsonb
)
union all
select
    s.id as saga_id,
    s.name as saga,
    s.key,
    s.document_id,
    l.called_at as at,
    r.name as step,
    'call' as event,
    format(
        '%s %s: %s in %s ms',
        l.method,
        l.url,
        coalesce(l.status_code::text, l.error_class),
        round(l.total_ms::numeric, 1)
    ) as detail,
    'runner ' || l.runner_id as who
from artery.saga as s
inner join artery.saga_step_run as r on s.id = r.saga_id
cross join lateral (values (r.task_id), (r.query_task_id), (r.undo_task_id)) as t (id)
inner join artery.cloud_log as l on t.id = l.task_id
order by saga_id, at;
comment on view artery.saga_history is
'All that happened to each saga, in order of time: its steps, every call, undos, what people did and why';
grant select on artery.saga_history to artery_reader;
