create or replace function artery_monitor.find_tasks(
    p_filter jsonb default '{}', p_limit integer default 50
)
returns table (
    id bigint,
    topic text,
    endpoint text,
    status text,
    document_type text,
    document_id text,
    attempt integer,
    max_attempts integer,
    due_at timestamptz,
    created_at timestamptz,
    ended_at timestamptz,
    status_code integer,
    error_class text,
    error text,
    request_id uuid
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- a condition each, so that the planner sees only those that were asked for
    c_conditions constant jsonb := jsonb_build_object(
        'topic', 't.topic = $1 ->> ''topic''',
        'endpoint', 't.endpoint_id = (select n.id from artery.endpoint as n where n.name = $1 ->> ''endpoint'')',
        'status', 't.status = $1 ->> ''status''',
        'error_class', 't.error_class = $1 ->> ''error_class''',
        'document_type', 't.document_type = $1 ->> ''document_type''',
        'document_id', 't.document_id = $1 ->> ''document_id''',
        'request_id', 't.request_id = ($1 ->> ''request_id'')::uuid',
        'error', 'position(lower($1 ->> ''error'') in lower(t.error::text)) > 0',
        'created_before', 't.created_at < ($1 ->> ''created_before'')::timestamptz',
        'created_after', 't.created_at >= ($1 ->> ''created_after'')::timestamptz',
        'before_id', 't.id < ($1 ->> ''before_id'')::bigint',
        -- said twice, in the words of two partial indexes
        'on_hold', '(not t.queued and t.status in (''pending'', ''failed'') and t.due_at = ''infinity'''
        ' or t.queued and t.ordering_key is not null and t.status not in (''sent'', ''cancelled'', ''compensated'')'
        ' and t.status in (''pending'', ''failed'') and t.due_at = ''infinity'') and ($1 ->> ''on_hold'')::boolean',
        'from_id', 't.id >= ($1 ->> ''from_id'')::bigint'
    );
begin
    -- @plpgsql_check_options: security_warnings = off, extra_warnings = off
    -- the statement is put together from the conditions above alone; values are parameters
    return query execute format(
        $sql$
        select
            t.id, t.topic, e.name, t.status, t.document_type, t.document_id, t.attempt, t.max_attempts,
            nullif(t.due_at, 'infinity'), t.created_at, t.ended_at, t.status_code, t.error_class,
            coalesce(t.error ->> 'message', t.error ->> 'answer'), t.request_id
        from artery.integration_task as t
        inner join artery.endpoint as e on e.id = t.endpoint_id
        where %s
        order by %s desc
        limit $2
        $sql$,
        artery_monitor._condition('find_tasks', c_conditions, p_filter, p_limit),
        -- of what an index leads to, read all: back from the newest it could be millions to the first match
        case when p_filter ->> 'status' in ('failed', 'dead', 'held', 'compensating') or p_filter ? 'on_hold' then 't.id + 0' else 't.id' end
    ) using p_filter, p_limit;
end
$function$;

comment on function artery_monitor.find_tasks(jsonb, integer) is
'Tasks that match {"topic", "endpoint", "status", "error_class", "document_type", "document_id", "request_id", "error" (part '
'of its text), "created_before", "created_after", "before_id", "from_id", "on_hold" (true)}, newest first, at most p_limit; due_at null: it is on hold. Errors: IN014 bad filter';
grant execute on function artery_monitor.find_tasks(jsonb, integer) to artery_reader;
