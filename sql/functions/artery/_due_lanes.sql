/* Each lane is probed by a LIMIT 1 of its own, which no planner can turn round into a walk of all
   that is due. PL/pgSQL and a generic plan, because an idle runner asks a hundred times a second.
*/
create or replace function artery._due_lanes(p_now timestamptz, p_frontier jsonb)
returns table (endpoint_id integer, priority smallint, since timestamptz, gated boolean)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $function$
begin
    return query
    select
        l.endpoint_id,
        l.priority,
        s.since,
        e.rate_per_second is not null
        or e.max_in_flight is not null
        or not e.idempotent
        or coalesce(b.state <> 'closed', false)
    from artery.lane as l
    inner join artery.endpoint as e on e.id = l.endpoint_id and e.enabled
    left join artery.rate_limiter as r on r.endpoint_id = l.endpoint_id
    left join artery.breaker as b on b.endpoint_id = l.endpoint_id
    cross join lateral (
        select coalesce(
            (p_frontier ->> (l.endpoint_id || '/' || l.priority))::timestamptz
            - interval '100 milliseconds',
            '-infinity'
        ) as since
    ) as s
    cross join lateral (
        select from artery.integration_task as t
        where
            t.endpoint_id = l.endpoint_id
            and t.priority = l.priority
            and t.status in ('pending', 'failed')
            and not t.queued
            and t.due_at between s.since and p_now
        limit 1
    ) as probe
    where
        coalesce(r.blocked_until <= p_now, true)
        and (b.state is null or b.state = 'closed' or b.probe_at <= p_now);
end
$function$;
comment on function artery._due_lanes(timestamptz, jsonb) is
'Lanes with work due at or after their frontier, of endpoints that may be called; gated: ask '
'artery._permit first';
