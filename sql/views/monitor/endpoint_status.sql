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
    h.calls as calls_hour,
    h.failed as failed_hour,
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
left join lateral (
    select
        count(*) as calls,
        count(*) filter (where c.outcome <> 'sent') as failed,
        max(c.called_at) as last_call
    from artery.cloud_log as c
    where c.endpoint_id = e.id and c.called_at > statement_timestamp() - interval '1 hour'
) as h on true;

comment on view artery_monitor.endpoint_status is
'Each endpoint: breaker and why, what its receiver told us to wait for, calls of the last hour';
grant select on artery_monitor.endpoint_status to artery_reader;
