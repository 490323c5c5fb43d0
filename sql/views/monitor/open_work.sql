/* What is open is counted through the partial indexes, so finished tasks cost nothing, however many
   there are. The last error is that of the newest task that has one, found through an index in each
   status. */
create or replace view artery_monitor.open_work
with (security_invoker = true)
as
with counted as (
    select
        t.topic,
        t.endpoint_id,
        case when t.due_at = 'infinity' then 'on_hold' else 'waiting' end as kind,
        count(*) as tasks,
        min(t.due_at) as oldest_due,
        min(case when t.due_at = 'infinity' then t.history -> -1 ->> 'at' end) as since
    from artery.integration_task as t
    where t.status in ('pending', 'failed') and not t.queued
    group by t.topic, t.endpoint_id, t.due_at = 'infinity'
    union all
    select
        t.topic,
        t.endpoint_id,
        case when t.due_at = 'infinity' then 'on_hold' else 'queued' end as kind,
        count(*) as tasks,
        null as oldest_due,
        min(case when t.due_at = 'infinity' then t.history -> -1 ->> 'at' end) as since
    from artery.integration_task as t
    where
        t.queued
        and t.ordering_key is not null
        and t.status not in ('sent', 'cancelled', 'compensated')
    group by t.topic, t.endpoint_id, t.due_at = 'infinity'
    union all
    select
        t.topic,
        t.endpoint_id,
        'in_flight' as kind,
        count(*) as tasks,
        null as oldest_due,
        null as since
    from artery.integration_task as t
    where t.status = 'processing'
    group by t.topic, t.endpoint_id
    union all
    select
        t.topic,
        t.endpoint_id,
        t.status as kind,
        count(*) as tasks,
        null as oldest_due,
        null as since
    from artery.integration_task as t
    where t.due_at < 'infinity' and t.status in ('failed', 'dead', 'held', 'compensating')
    group by t.topic, t.endpoint_id, t.status
),

summed as (
    select
        c.topic,
        c.endpoint_id,
        coalesce(sum(c.tasks) filter (where c.kind in ('waiting', 'queued')), 0)::bigint as waiting,
        coalesce(sum(c.tasks) filter (where c.kind = 'in_flight'), 0)::bigint as in_flight,
        coalesce(sum(c.tasks) filter (where c.kind = 'failed'), 0)::bigint as failed,
        coalesce(sum(c.tasks) filter (where c.kind = 'held'), 0)::bigint as held,
        coalesce(sum(c.tasks) filter (where c.kind = 'dead'), 0)::bigint as dead,
        coalesce(sum(c.tasks) filter (where c.kind = 'compensating'), 0)::bigint as compensating,
        min(c.oldest_due) filter (where c.kind = 'waiting') as oldest_due,
        coalesce(sum(c.tasks) filter (where c.kind = 'on_hold'), 0)::bigint as on_hold,
        min(c.since::timestamptz) as on_hold_since
    from counted as c
    group by c.topic, c.endpoint_id
)

select -- noqa: ST06
    s.topic,
    s.endpoint_id,
    s.waiting,
    s.in_flight,
    s.failed,
    s.held,
    s.dead,
    s.compensating,
    s.oldest_due,
    f.status_code as last_status_code,
    coalesce(f.error ->> 'message', f.error ->> 'answer', f.error_class) as last_error,
    f.at as last_error_at,
    s.on_hold,
    s.on_hold_since
from summed as s
left join lateral ( -- noqa: ST05
    select n.*
    from (values ('failed'), ('dead'), ('held')) as k (status)
    cross join lateral (
        select
            t.status_code,
            t.error,
            t.error_class,
            coalesce(t.ended_at, t.started_at) as at
        from artery.integration_task as t
        where
            t.status = k.status
            and t.status in ('failed', 'dead', 'held', 'compensating')
            and t.topic = s.topic
            and t.endpoint_id = s.endpoint_id
        order by t.id desc
        limit 1
    ) as n
    order by n.at desc nulls last
    limit 1
) as f on s.failed + s.dead + s.held > 0;

comment on view artery_monitor.open_work is
'Each topic and endpoint that has any: tasks waiting, in flight, failed, held, dead, on hold by hand; the '
'oldest due; the last error';
grant select on artery_monitor.open_work to artery_reader;
