/* One row a topic and endpoint that has open work, trouble, or calls in the last hour. What is
   open is counted through the partial indexes, so finished tasks cost nothing; calls are read from
   the log's newest partitions. */
create or replace view artery_monitor.integration_monitor
with (security_invoker = true)
as
with counted as (
    select
        t.topic,
        t.endpoint_id,
        'waiting' as kind,
        count(*) as tasks,
        min(t.due_at) as oldest_due
    from artery.integration_task as t
    where t.status in ('pending', 'failed') and not t.queued
    group by t.topic, t.endpoint_id
    union all
    select
        t.topic,
        t.endpoint_id,
        'queued' as kind,
        count(*) as tasks,
        null as oldest_due
    from artery.integration_task as t
    where
        t.queued
        and t.ordering_key is not null
        and t.status not in ('sent', 'cancelled', 'compensated')
    group by t.topic, t.endpoint_id
    union all
    select
        t.topic,
        t.endpoint_id,
        'in_flight' as kind,
        count(*) as tasks,
        null as oldest_due
    from artery.integration_task as t
    where t.status = 'processing'
    group by t.topic, t.endpoint_id
    union all
    select
        t.topic,
        t.endpoint_id,
        t.status as kind,
        count(*) as tasks,
        null as oldest_due
    from artery.integration_task as t
    where t.status in ('failed', 'dead', 'held', 'compensating')
    group by t.topic, t.endpoint_id, t.status
),

open_work as (
    select
        c.topic,
        c.endpoint_id,
        sum(c.tasks) filter (where c.kind in ('waiting', 'queued')) as waiting,
        sum(c.tasks) filter (where c.kind = 'in_flight') as in_flight,
        sum(c.tasks) filter (where c.kind = 'failed') as failed,
        sum(c.tasks) filter (where c.kind = 'dead') as dead,
        sum(c.tasks) filter (where c.kind = 'held') as held,
        sum(c.tasks) filter (where c.kind = 'compensating') as compensating,
        min(c.oldest_due) as oldest_due
    from counted as c
    group by c.topic, c.endpoint_id
),

last_hour as (
    select
        l.topic,
        l.endpoint_id,
        count(*) as calls,
        count(*) filter (where l.outcome = 'sent') as sent,
        percentile_cont('{0.5, 0.95, 0.99}'::double precision[])
        within group (order by l.total_ms) as percentiles
    from artery.cloud_log as l
    where l.called_at > statement_timestamp() - interval '1 hour'
    group by l.topic, l.endpoint_id
)

select -- noqa: ST06
    coalesce(w.topic, h.topic, r.topic) as topic,
    e.name as endpoint,
    coalesce(w.waiting, 0)::bigint as waiting,
    coalesce(w.in_flight, 0)::bigint as in_flight,
    coalesce(w.failed, 0)::bigint as failed,
    coalesce(w.held, 0)::bigint as held,
    coalesce(w.dead, 0)::bigint as dead,
    coalesce(w.compensating, 0)::bigint as compensating,
    w.oldest_due,
    coalesce(h.calls, 0) as calls_hour,
    coalesce(h.sent, 0) as sent_hour,
    round(h.percentiles[1]::numeric, 1) as p50_ms,
    round(h.percentiles[2]::numeric, 1) as p95_ms,
    round(h.percentiles[3]::numeric, 1) as p99_ms,
    case
        when not e.enabled then 'disabled'
        else coalesce(b.state, 'closed')
    end as breaker,
    l.blocked_until,
    f.status_code as last_status_code,
    coalesce(f.error ->> 'message', f.error ->> 'answer', f.error_class) as last_error,
    f.at as last_error_at
from open_work as w
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
    on e.id = l.endpoint_id and l.blocked_until > statement_timestamp()
left join lateral (
    select
        t.status_code,
        t.error,
        t.error_class,
        coalesce(t.ended_at, t.started_at) as at
    from artery.integration_task as t
    where
        t.status in ('failed', 'dead', 'held')
        and t.topic = coalesce(w.topic, h.topic, r.topic)
        and t.endpoint_id = e.id
    order by t.started_at desc nulls last
    limit 1
) as f on coalesce(w.failed, 0) + coalesce(w.dead, 0) + coalesce(w.held, 0) > 0;

comment on view artery_monitor.integration_monitor is
'Each topic and endpoint at one glance: waiting, in flight, failed, held, dead; oldest due; calls '
'of the last hour with p50, p95, p99 in milliseconds; breaker, Retry-After, last error';
grant select on artery_monitor.integration_monitor to artery_reader;
