create or replace view artery_monitor.endpoint_status
with (security_invoker = true)
as
select -- noqa: ST06
    e.name as endpoint,
    e.base_url,
    case when e.enabled then coalesce(b.state, 'closed') else 'disabled' end as breaker,
    b.reason,
    b.changed_at,
    b.by_hand,
    e.rate_per_second,
    e.max_in_flight,
    f.tasks as in_flight,
    l.blocked_until,
    l.blocked_reason,
    coalesce(h.calls, 0) as calls_hour,
    coalesce(h.failed, 0) as failed_hour,
    h.last_call
from artery.endpoint as e
left join artery.breaker as b on e.id = b.endpoint_id
left join
    artery.rate_limiter as l
    on e.id = l.endpoint_id and l.blocked_until > statement_timestamp()
cross join lateral (
    select count(*) as tasks
    from artery.integration_task as t
    where t.status = 'processing' and t.endpoint_id = e.id
) as f
left join ( -- noqa: ST05
    select
        c.endpoint_id,
        sum(c.calls)::bigint as calls,
        coalesce(sum(c.calls) filter (where c.outcome <> 'sent'), 0)::bigint as failed,
        max(c.minute) as last_call
    from artery_monitor.calls_last_hour as c
    group by c.endpoint_id
) as h on e.id = h.endpoint_id;

comment on view artery_monitor.endpoint_status is
'Each endpoint: breaker and why, what its receiver told us to wait for, calls of the last hour';
grant select on artery_monitor.endpoint_status to artery_reader;
