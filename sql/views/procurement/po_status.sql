create or replace view artery_procurement.po_status
with (security_invoker = true) as
select
    o.supplier_code,
    o.po_no,
    o.status,
    o.version,
    d.version as sent_version,
    d.action,
    d.status as cloud_status,
    d.cloud_order_no,
    d.reason as cloud_reason,
    r.version as replied_version,
    r.reply_no,
    r.reply,
    r.status as reply_status,
    r.reason as reply_reason,
    t.id as task_id,
    t.status as task_status,
    t.attempt as attempts,
    case
        when t.status in ('pending', 'failed') then nullif(t.due_at, 'infinity')
    end as next_attempt_at,
    coalesce(t.error ->> 'message', t.error ->> 'answer', t.error ->> 'kind') as last_error
from artery_erp.purchase_order as o
left join lateral (
    select x.*
    from artery_procurement.po_dispatch as x
    where x.supplier_code = o.supplier_code and x.po_no = o.po_no
    order by x.version desc
    limit 1
) as d on true
left join lateral (
    select x.*
    from artery_procurement.po_reply as x
    where x.supplier_code = o.supplier_code and x.po_no = o.po_no
    order by x.version desc, x.replied_at desc, x.reply_no desc
    limit 1
) as r on true
left join artery.integration_task as t on d.task_id = t.id;

comment on view artery_procurement.po_status is
'Purchase orders, how far their suppliers know them, and what they last replied; reply_status open = the buyer decides';
grant select on artery_procurement.po_status to artery_reader;
