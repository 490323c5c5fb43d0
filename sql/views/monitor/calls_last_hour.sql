/* What artery.count_calls() has counted, and from there on the log itself: a few minutes of it. The
   second condition on called_at tells the planner how much that is at most. */
create or replace view artery_monitor.calls_last_hour
with (security_invoker = true)
as
select
    m.minute,
    m.topic,
    m.endpoint_id,
    m.outcome,
    m.bucket,
    m.calls::bigint as calls
from artery.call_minute as m
where m.minute > statement_timestamp() - interval '1 hour'
union all
select
    date_trunc('minute', l.called_at, 'UTC') as minute,
    l.topic,
    l.endpoint_id,
    l.outcome,
    artery._bucket(l.total_ms) as bucket,
    count(*) as calls
from artery.cloud_log as l
where
    l.called_at >= (select r.counted_until from artery.call_rollup as r)
    and l.called_at > statement_timestamp() - interval '1 hour'
group by
    date_trunc('minute', l.called_at, 'UTC'), l.topic, l.endpoint_id, l.outcome,
    artery._bucket(l.total_ms);

comment on view artery_monitor.calls_last_hour is
'Calls of the last hour by minute, topic, endpoint, outcome and duration; bucket: see artery.call_minute';
grant select on artery_monitor.calls_last_hour to artery_reader;
