create or replace function artery_monitor.task(p_task_id bigint)
returns table (
    id bigint,
    request_id uuid,
    topic text,
    endpoint text,
    status text,
    attempt integer,
    failures integer,
    max_attempts integer,
    priority smallint,
    method text,
    path text,
    content_type text,
    body text,
    document_type text,
    document_id text,
    ordering_key text,
    queued boolean,
    created_at timestamptz,
    created_by text,
    due_at timestamptz,
    ended_at timestamptz,
    status_code integer,
    error_class text,
    error jsonb,
    handler_status text,
    handler_error jsonb,
    saga_id bigint
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    t.id,
    t.request_id,
    t.topic,
    e.name,
    t.status,
    t.attempt,
    t.failures,
    t.max_attempts,
    t.priority,
    t.method,
    t.path,
    t.content_type,
    t.body,
    t.document_type,
    t.document_id,
    t.ordering_key,
    t.queued,
    t.created_at,
    t.created_by,
    nullif(t.due_at, 'infinity'),
    t.ended_at,
    t.status_code,
    t.error_class,
    t.error,
    t.handler_status,
    t.handler_error,
    (
        select r.saga_id
        from artery.saga_step_run as r
        where
            r.saga_id = case when t.compensation ->> 'saga' ~ '^[0-9]{1,18}$' then (t.compensation ->> 'saga')::bigint end
            and t.id in (r.task_id, r.query_task_id, r.undo_task_id)
        limit 1
    )
from artery.integration_task as t
inner join artery.endpoint as e on e.id = t.endpoint_id
where t.id = p_task_id
$function$;
comment on function artery_monitor.task(bigint) is
'One task with all that a person wants to know of it; due_at null: it is on hold, or ended; no row = no such task';
grant execute on function artery_monitor.task(bigint) to artery_reader;
