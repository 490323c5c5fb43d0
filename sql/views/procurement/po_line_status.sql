create or replace view artery_procurement.po_line_status
with (security_invoker = true) as
select
    l.supplier_code,
    l.po_no,
    o.status,
    o.version,
    l.line_no,
    l.item_code,
    l.unit,
    l.due_at,
    l.quantity as ordered,
    l.notified_quantity as shipped,
    l.received_quantity as received,
    l.outstanding_quantity as outstanding,
    l.outstanding_reason,
    l.short_quantity as short,
    greatest(l.notified_quantity - l.received_quantity, 0) as in_transit,
    greatest(l.notified_quantity - l.quantity, 0) as over,
    greatest(l.notified_quantity - l.quantity * (1 + l.over_delivery_rate), 0) as over_tolerance,
    case
        when o.status = 'cancelled' then 'cancelled'
        when l.received_quantity + l.short_quantity >= l.quantity then
            case when l.short_quantity > 0 then 'short closed' else 'received' end
        when l.notified_quantity + l.short_quantity >= l.quantity then 'on its way'
        when l.notified_quantity > 0 then 'partly shipped'
        else 'ordered'
    end as progress
from artery_erp.purchase_order_line as l
inner join artery_erp.purchase_order as o
    on l.supplier_code = o.supplier_code and l.po_no = o.po_no;

comment on view artery_procurement.po_line_status is
'How far each line of a purchase order has come: ordered, shipped, received, outstanding, short (will never come), over; '
'a supplier sees its own';
grant select on artery_procurement.po_line_status to artery_reader, artery_app;
