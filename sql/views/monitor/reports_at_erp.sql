create or replace view artery_monitor.reports_at_erp
with (security_invoker = true) as
select
    w.mo_no,
    s.source,
    s.message_id as report_id,
    w.since,
    w.asked,
    s.due_at as next_asked_at,
    case when w.handed then 'at the ERP' else 'waits' end as state,
    statement_timestamp() - w.since as age,
    s.reasons #>> '{0,message}' as reason
from artery_mes.report_at_erp as w
inner join artery_staging.mes_production_report as s on w.report_id = s.id
where s.status = 'parked';

comment on view artery_monitor.reports_at_erp is
'Production reports that an adopted ERP has not posted yet: it has them in hand, or they wait for their order or for an '
'earlier report of it';
grant select on artery_monitor.reports_at_erp to artery_reader;
