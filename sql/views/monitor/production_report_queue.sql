create or replace view artery_monitor.production_report_queue
with (security_invoker = true) as
with open as (
    select
        count(*) filter (where s.status = 'new') as waiting,
        count(*) filter (where s.status = 'parked') as parked,
        min(s.received_at) filter (where s.status = 'new') as oldest_at
    from artery_staging.mes_production_report as s
    where s.status in ('new', 'parked')
),

arrived as (
    select count(*) as reports
    from artery_staging.mes_production_report as s
    where s.received_at > statement_timestamp() - interval '1 minute'
),

posted as (
    select count(*) as reports
    from artery_mes.production_report as r
    where r.posted_at > statement_timestamp() - interval '1 minute'
)

select
    o.waiting,
    o.parked,
    o.oldest_at,
    statement_timestamp() - o.oldest_at as age,
    round(a.reports / 60.0, 1) as arrived_per_second,
    round(p.reports / 60.0, 1) as posted_per_second,
    case when p.reports > 0 then o.waiting * interval '1 minute' / p.reports end as drained_in
from open as o
cross join arrived as a
cross join posted as p;

comment on view artery_monitor.production_report_queue is
'Back-pressure of production reports: how many wait, how long the oldest has, how fast they came and went in the last '
'minute, and when at that rate none would be left';
grant select on artery_monitor.production_report_queue to artery_reader;
