create or replace view artery_monitor.production_report_queue
with (security_invoker = true) as
select
    q.waiting,
    q.parked,
    q.oldest_at,
    statement_timestamp() - q.oldest_at as age,
    p.posted as posted_last_minute,
    p.posted / 60.0 as posted_per_second,
    q.arrived / 60.0 as arrived_per_second,
    case when p.posted > 0 then q.waiting * interval '1 minute' / p.posted end as drained_in
from (
    select
        count(*) filter (where s.status = 'new') as waiting,
        count(*) filter (where s.status = 'parked') as parked,
        min(s.received_at) filter (where s.status = 'new') as oldest_at,
        (
            select count(*)
            from artery_staging.mes_production_report as a
            where a.received_at > statement_timestamp() - interval '1 minute'
        ) as arrived
    from artery_staging.mes_production_report as s
    where s.status in ('new', 'parked')
) as q
cross join (
    select count(*) as posted
    from artery_mes.production_report as r
    where r.posted_at > statement_timestamp() - interval '1 minute'
) as p;

comment on view artery_monitor.production_report_queue is
'Back-pressure of production reports: how many wait, how long the oldest has, how fast they come and go, and when '
'at that rate none would be left';
grant select on artery_monitor.production_report_queue to artery_reader;
