-- Rises by what the log gets, whenever the step count_calls comes by
create or replace view artery_monitor.calls_total
with (security_invoker = true)
as
select -- noqa: ST06
    c.topic,
    e.name as endpoint,
    c.outcome,
    sum(c.calls)::bigint as calls
from (
    select
        t.topic,
        t.endpoint_id,
        t.outcome,
        t.calls
    from artery.call_count as t
    union all
    select
        h.topic,
        h.endpoint_id,
        h.outcome,
        h.calls
    from artery_monitor.calls_last_hour as h
    where h.minute >= (select r.counted_until from artery.call_rollup as r)
) as c
inner join artery.endpoint as e on c.endpoint_id = e.id
group by c.topic, e.name, c.outcome;

comment on view artery_monitor.calls_total is
'Calls by topic, endpoint and outcome since they are counted: for rates, as a counter that never falls';
grant select on artery_monitor.calls_total to artery_reader;
