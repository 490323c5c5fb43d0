-- Inlined into its caller: hence no search_path
create or replace function artery._due_lanes(p_now timestamptz, p_frontier jsonb)
returns table (endpoint_id integer, priority smallint, since timestamptz, gated boolean)
language sql
volatile
as $function$
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
        (p_frontier ->> (l.endpoint_id || '/' || l.priority))::timestamptz - interval '100 milliseconds',
        '-infinity'
    ) as since
) as s
where
    coalesce(r.blocked_until <= p_now, true)
    and (b.state is null or b.state = 'closed' or b.probe_at <= p_now)
    and exists (
        select from artery.integration_task as t
        where
            t.endpoint_id = l.endpoint_id
            and t.priority = l.priority
            and t.status in ('pending', 'failed')
            and not t.queued
            and t.due_at between s.since and p_now
    )
offset 0
$function$;
comment on function artery._due_lanes(timestamptz, jsonb) is
'Lanes with work due at or after their frontier, of endpoints that may be called; gated: ask '
'artery._permit first';
