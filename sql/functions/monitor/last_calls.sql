/* The log has no index by endpoint, which every call would pay for. The counts by minute tell how
   far back the newest calls lie, a day at most, so that only those minutes are read. */
create or replace function artery_monitor.last_calls(p_endpoint text, p_limit integer default 20)
returns table (
    called_at timestamptz,
    task_id bigint,
    topic text,
    document_id text,
    attempt integer,
    outcome text,
    status_code integer,
    total_ms numeric,
    error text
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    v_endpoint constant integer := (select e.id from artery.endpoint as e where e.name = p_endpoint);
    v_counted constant timestamptz := (select r.counted_until from artery.call_rollup as r);
    v_from constant timestamptz := (
        select min(x.minute)
        from (
            select m.minute
            from artery.call_minute as m
            where m.endpoint_id = v_endpoint and m.minute > v_counted - interval '1 day'
            order by m.minute desc
            limit p_limit
        ) as x
    );
begin
    return query
    select
        l.called_at,
        l.task_id,
        l.topic,
        t.document_id,
        l.attempt,
        l.outcome,
        l.status_code,
        round(l.total_ms::numeric, 1),
        coalesce(l.error, case when l.outcome <> 'sent' then left(l.response_body, 300) end)
    from artery.cloud_log as l
    left join artery.integration_task as t on t.id = l.task_id
    where l.endpoint_id = v_endpoint and l.called_at >= coalesce(v_from, v_counted)
    order by l.called_at desc
    limit p_limit;
end
$function$;

comment on function artery_monitor.last_calls(text, integer) is
'The newest calls of an endpoint, of the last day; no rows = no such endpoint, or none';
grant execute on function artery_monitor.last_calls(text, integer) to artery_reader;
