create or replace view artery_procurement.cloud_status
with (security_invoker = true) as
select
    c.server,
    c.pulled,
    c.duplicates,
    c.refused,
    c.answered_at,
    c.held_since,
    c.stale_since,
    s.enabled,
    s.started_at as tried_at,
    case
        when s.name is null then 'no sweep step: artery_procurement.setup_cloud makes it'
        when s.outcome = 'failed' and s.ended_at >= s.started_at then s.error ->> 'message'
        -- a session that its transaction_timeout ended wrote nothing more
        when
            s.started_at > coalesce(s.ended_at, '-infinity')
            and s.started_at < clock_timestamp() - 2 * s.time_limit
            then 'the last pull did not come to its end: is the server silent?'
        else c.notice
    end as problem
from artery_procurement.cloud_server as c
left join artery.sweep_step as s on s.name = 'pull_asn_' || c.server;

comment on view artery_procurement.cloud_status is
'Cloud servers: what was taken, when they answered last, what is wrong';
grant select on artery_procurement.cloud_status to artery_reader;
