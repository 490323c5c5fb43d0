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
    u.minute,
    u.topic,
    u.endpoint_id,
    u.outcome,
    u.bucket,
    u.calls
from artery_monitor._uncounted_calls() as u;

comment on view artery_monitor.calls_last_hour is
'Calls of the last hour by minute, topic, endpoint, outcome and duration; bucket: see artery.call_minute';
grant select on artery_monitor.calls_last_hour to artery_reader;
