/* The tasks of one endpoint to claim next, locked: by priority, then due time. Skips what others
   have locked; of an ordering key only the first open task, whatever enqueue_task could see. */
create or replace function artery._pick_tasks(
    p_endpoint_id integer, p_lanes jsonb, p_now timestamptz, p_limit integer,
    out ids bigint[], out frontier jsonb
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $function$
begin
    -- it locks rows, which a stable function may not
    -- @plpgsql_check_options: performance_warnings = off
    with picked as materialized (
        select
            q.id,
            q.due_at,
            l.priority
        from (
            select
                w.priority,
                w.since
            from jsonb_to_recordset(p_lanes) as w (
                endpoint_id integer, priority smallint, since timestamptz
            )
            where w.endpoint_id = p_endpoint_id
            order by w.priority
        ) as l
        cross join lateral (
            select
                t.id,
                t.due_at
            from artery.integration_task as t
            where
                t.endpoint_id = p_endpoint_id
                and t.priority = l.priority
                and t.status in ('pending', 'failed')
                and not t.queued
                and t.due_at between l.since and p_now
                and (t.ordering_key is null or not exists (
                    select from artery.integration_task as b
                    where
                        b.endpoint_id = t.endpoint_id
                        and b.ordering_key = t.ordering_key
                        and b.id < t.id
                        and b.status not in ('sent', 'cancelled', 'compensated')
                ))
            order by t.due_at, t.id
            limit p_limit
            for update of t skip locked
        ) as q
        limit p_limit
    )

    select
        (select array_agg(p.id) from picked as p),
        (
            select jsonb_object_agg(e.lane, e.due_at)
            from (
                select
                    p_endpoint_id || '/' || p.priority as lane,
                    max(p.due_at) as due_at
                from picked as p
                group by p.priority
            ) as e
        )
    into ids, frontier;
end
$function$;
comment on function artery._pick_tasks(integer, jsonb, timestamptz, integer) is
'Locks the tasks of an endpoint that are next; with the due time reached in each lane';
