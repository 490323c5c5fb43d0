create or replace view artery_tax.invoice_status
with (security_invoker = true)
as
select
    v.order_no,
    v.kind,
    v.source_type,
    v.source_id,
    v.part,
    v.merchant,
    v.profile,
    v.buyer_name,
    v.currency,
    v.amount,
    v.tax,
    v.total,
    v.status,
    v.invoice_no,
    v.issued_at,
    v.reason,
    a.alarms,
    v.requested_at,
    v.request_id,
    v.task_id,
    t.status as task_status,
    t.attempt,
    nullif(t.due_at, 'infinity') as next_attempt_at
from artery_erp.ar_invoice as v
left join artery.integration_task as t on v.task_id = t.id
cross join lateral (
    select count(*) as alarms
    from artery_tax.invoice_alarm as al
    where v.order_no = al.order_no and al.decided_at is null
) as a;

comment on view artery_tax.invoice_status is
'How far each invoice is: with the gateway, and its task on the way there';
grant select on artery_tax.invoice_status to artery_reader;
