create or replace view artery_mes.shortage_queue
with (security_invoker = true) as
select
    s.item_code,
    s.warehouse_code,
    sum(s.missing) as missing,
    count(*) as reports,
    min(s.since) as since,
    array_agg(s.report_id order by s.report_id) as report_ids
from artery_mes.report_shortage as s
group by s.item_code, s.warehouse_code;

comment on view artery_mes.shortage_queue is
'Stock that parked reports wait for; they are posted by themselves when it arrives. missing = beyond what there is, '
'each report by itself';
grant select on artery_mes.shortage_queue to artery_reader, artery_app;
