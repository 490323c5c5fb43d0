create or replace function artery_monitor.find_calls(
    p_filter jsonb default '{}', p_limit integer default 50
)
returns table (
    called_at timestamptz,
    task_id bigint,
    attempt integer,
    topic text,
    endpoint text,
    method text,
    url text,
    status_code integer,
    outcome text,
    error_class text,
    error text,
    total_ms real,
    peer text,
    request_id uuid,
    stale boolean
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- a condition each, so that the planner sees only those that were asked for
    c_conditions constant jsonb := jsonb_build_object(
        'topic', 'l.topic = $1 ->> ''topic''',
        'endpoint', 'l.endpoint_id = artery.endpoint_id($1 ->> ''endpoint'')',
        'task', 'l.task_id = ($1 ->> ''task'')::bigint',
        'outcome', 'l.outcome = $1 ->> ''outcome''',
        'unsuccessful', '(l.outcome <> ''sent'') = ($1 ->> ''unsuccessful'')::boolean',
        'status_code', 'l.status_code = ($1 ->> ''status_code'')::integer',
        'since', 'l.called_at >= ($1 ->> ''since'')::timestamptz',
        'before', 'l.called_at < ($1 ->> ''before'')::timestamptz'
    );
begin
    -- @plpgsql_check_options: security_warnings = off, extra_warnings = off
    -- the statement is put together from the conditions above alone; values are parameters
    return query execute format(
        $sql$
        select
            l.called_at, l.task_id, l.attempt, l.topic, e.name, l.method, l.url, l.status_code, l.outcome,
            l.error_class, l.error, l.total_ms, l.peer, l.request_id, l.stale
        from artery.cloud_log as l
        left join artery.endpoint as e on e.id = l.endpoint_id
        where %s
        order by l.called_at desc
        limit $2
        $sql$,
        artery_monitor._condition('find_calls', c_conditions, p_filter, p_limit)
    ) using p_filter, p_limit;
end
$function$;

comment on function artery_monitor.find_calls(jsonb, integer) is
'Calls that match {"topic", "endpoint", "task", "outcome" (sent, failed, dead, held), "unsuccessful" (true), "status_code", '
'"since", "before"}, newest first, at most p_limit. Errors: IN014 bad filter, IN041 no such endpoint';
grant execute on function artery_monitor.find_calls(jsonb, integer) to artery_reader;
