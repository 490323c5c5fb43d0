/* Only the last piece of each device's history counts, so what comes late never overwrites it. Of
   several devices the one that says running wins, else the one heard last. */
create or replace view artery_iot.equipment_live
with (security_invoker = true) as
select
    e.code as equipment_code,
    e.name,
    l.device,
    l.state,
    l.reason_code,
    l.since,
    l.last_seen,
    s.shift_code,
    s.produced,
    s.good,
    s.oee
from artery_erp.equipment as e
left join lateral (
    select
        d.code as device,
        x.ended_at - d.heartbeat_timeout as last_seen,
        case when x.ended_at > now() and x.state <> 'offline' then x.state else 'unknown' end
        as state,
        case when x.ended_at > now() then x.reason_code end as reason_code,
        case when x.ended_at > now() then x.started_at else x.ended_at end as since
    from artery_iot.device as d
    cross join lateral (
        select i.*
        from artery_iot.device_state as i
        where i.device_id = d.id
        order by i.started_at desc
        limit 1
    ) as x
    where d.equipment_code = e.code
    order by x.state = 'running' and x.ended_at > now() desc, x.ended_at desc
    limit 1
) as l on true
left join lateral (
    select
        o.shift_code,
        o.produced,
        o.good,
        o.oee
    from artery_iot.equipment_oee as o
    where o.equipment_code = e.code and o.started_at <= now() and o.ended_at > now()
    order by o.started_at desc
    limit 1
) as s on true;

comment on view artery_iot.equipment_live is
'What each machine does now; unknown = not heard of for longer than its heartbeat timeout. Then '
'since is the moment from which nothing is known';
grant select on artery_iot.equipment_live to artery_reader;
