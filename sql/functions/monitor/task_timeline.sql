/* A task's story from three places: the row itself, the notes and failed attempts in its history,
   and the log's calls. An attempt that was logged is told once, by its call; one that was not (its
   runner died) by the history. */
create or replace function artery_monitor.task_timeline(p_task_id bigint)
returns table (
    at timestamptz,
    event text,
    attempt integer,
    status_code integer,
    took_ms numeric,
    who text,
    note text,
    span_id text
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
with task as (
    select t.*
    from artery.integration_task as t
    where t.id = p_task_id
),

calls as (
    select l.*
    from artery.cloud_log as l
    where l.task_id = p_task_id
)

select
    t.created_at,
    'enqueued',
    null::integer,
    null::integer,
    null::numeric,
    t.created_by,
    t.method || ' ' || t.path,
    null
from task as t
union all
select
    c.called_at,
    case when c.stale then 'called, too late to count' else 'called: ' || c.outcome end,
    c.attempt,
    c.status_code,
    round(c.total_ms::numeric, 1),
    coalesce(r.name, c.runner_id::text),
    coalesce(c.error, case when c.outcome <> 'sent' then left(c.response_body, 300) end),
    c.span_id
from calls as c
left join artery.runner as r on r.id = c.runner_id
union all
select
    (h.value ->> 'at')::timestamptz,
    coalesce(h.value ->> 'action', 'attempt: ' || (h.value ->> 'status')),
    (h.value ->> 'attempt')::integer,
    (h.value ->> 'status_code')::integer,
    (h.value ->> 'duration_ms')::numeric,
    coalesce(h.value ->> 'by', r.name, h.value ->> 'runner_id'),
    coalesce(h.value ->> 'reason', h.value #>> '{error,message}', h.value ->> 'error_class'),
    null
from task as t
cross join jsonb_array_elements(t.history) as h (value)
left join artery.runner as r on r.id = (h.value ->> 'runner_id')::bigint
where
    h.value ->> 'attempt' is null
    or not exists (select from calls as c where c.attempt = (h.value ->> 'attempt')::integer and not c.stale)
union all
select
    (t.handler_error ->> 'at')::timestamptz,
    'reply handler failed, run ' || t.handler_attempts,
    t.attempt,
    null,
    null,
    null,
    t.handler_error ->> 'message',
    null
from task as t
where t.handler_status = 'failed'
union all
select
    coalesce(t.ended_at, nullif(t.due_at, 'infinity'), statement_timestamp()),
    case when t.ended_at is not null then t.status else t.status || case
        when t.due_at = 'infinity' then ': on hold'
        when t.queued then ': waits behind an earlier one of its ordering key'
        when t.status in ('pending', 'failed') then ': due'
        else ''
    end end,
    null,
    null,
    null,
    null,
    null,
    null
from task as t
where t.ended_at is not null or t.status <> 'processing'
order by 1, 3 nulls first
$function$;

comment on function artery_monitor.task_timeline(bigint) is
'What happened to a task, in order: enqueued, each call, what people did, its end or when it is due; no rows = no such task';
grant execute on function artery_monitor.task_timeline(bigint) to artery_reader;
