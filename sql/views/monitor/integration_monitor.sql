/* One row a topic and endpoint that has a route, open work, or calls in the last hour. Percentiles
   are read from buckets a ninth wide, and interpolated within. */
create or replace view artery_monitor.integration_monitor
with (security_invoker = true)
as
with durations as (
    select
        h.topic,
        h.endpoint_id,
        h.bucket,
        sum(h.calls) as calls,
        sum(h.calls) filter (where h.outcome = 'sent') as sent
    from artery_monitor.calls_last_hour as h
    group by h.topic, h.endpoint_id, h.bucket
),

ranked as (
    select
        d.*,
        sum(d.calls) filter (where d.bucket >= 0) over upwards as up_to,
        sum(d.calls) filter (where d.bucket >= 0) over everything as timed
    from durations as d
    window everything as (partition by d.topic, d.endpoint_id),
    upwards as (partition by d.topic, d.endpoint_id order by d.bucket)
),

last_hour as (
    select
        r.topic,
        r.endpoint_id,
        sum(r.calls)::bigint as calls,
        coalesce(sum(r.sent), 0)::bigint as sent,
        max(p.p50) as p50_ms,
        max(p.p95) as p95_ms,
        max(p.p99) as p99_ms
    from ranked as r
    cross join lateral (
        select
            max(m.ms) filter (where s.share = 0.5) as p50,
            max(m.ms) filter (where s.share = 0.95) as p95,
            max(m.ms) filter (where s.share = 0.99) as p99
        from (values (0.5), (0.95), (0.99)) as s (share)
        cross join lateral (
            select
                case r.bucket when 0 then 0 else 2 ^ ((r.bucket - 1) / 8.0) end as low,
                2 ^ (r.bucket / 8.0) as high,
                (s.share * r.timed - r.up_to + r.calls) / r.calls as part
        ) as b
        cross join lateral (select b.low + (b.high - b.low) * b.part as ms) as m
        where r.bucket >= 0 and b.part > 0 and b.part <= 1
    ) as p
    group by r.topic, r.endpoint_id
)

select -- noqa: ST06
    coalesce(w.topic, h.topic, r.topic) as topic,
    e.name as endpoint,
    coalesce(w.waiting, 0) as waiting,
    coalesce(w.in_flight, 0) as in_flight,
    coalesce(w.failed, 0) as failed,
    coalesce(w.held, 0) as held,
    coalesce(w.dead, 0) as dead,
    coalesce(w.compensating, 0) as compensating,
    w.oldest_due,
    coalesce(h.calls, 0) as calls_hour,
    coalesce(h.sent, 0) as sent_hour,
    round(h.p50_ms, 1) as p50_ms,
    round(h.p95_ms, 1) as p95_ms,
    round(h.p99_ms, 1) as p99_ms,
    case
        when not e.enabled then 'disabled'
        else coalesce(b.state, 'closed')
    end as breaker,
    l.blocked_until,
    w.last_status_code,
    w.last_error,
    w.last_error_at,
    coalesce(w.on_hold, 0) as on_hold,
    (select s.armed from artery.arming_status() as s) as armed
from artery_monitor.open_work as w
full join last_hour as h on w.topic = h.topic and w.endpoint_id = h.endpoint_id
full join
    artery.route as r
    on
        coalesce(w.topic, h.topic) = r.topic
        and coalesce(w.endpoint_id, h.endpoint_id) = r.endpoint_id
inner join artery.endpoint as e
    on coalesce(w.endpoint_id, h.endpoint_id, r.endpoint_id) = e.id
left join artery.breaker as b on e.id = b.endpoint_id
left join
    artery.rate_limiter as l
    on e.id = l.endpoint_id and l.blocked_until > statement_timestamp();

comment on view artery_monitor.integration_monitor is
'Each topic and endpoint at one glance: waiting, in flight, failed, held, dead, on hold by hand; oldest due; calls '
'of the last hour with p50, p95, p99 in milliseconds (within a ninth); breaker, Retry-After, last error; '
'armed: false = nothing is sent, artery arm';
grant select on artery_monitor.integration_monitor to artery_reader;
