create or replace view artery_erp.supply_outlook
with (security_invoker = true) as
with shipped_line as (
    select
        a.supplier_code,
        a.po_no,
        a.po_line_no,
        a.item_code,
        coalesce(d.expected_at, d.shipped_at, d.created_at) as expected_at,
        (a.quantity - a.received_quantity) * f.numerator / f.denominator as quantity
    from artery_erp.asn_line as a
    inner join artery_erp.asn_document as d
        on a.supplier_code = d.supplier_code and a.asn_no = d.asn_no
    inner join artery_erp.item as i on a.item_code = i.code
    left join lateral artery_erp.unit_factor(a.item_code, a.unit, i.stock_unit) as f on true
    where d.status = 'in_transit' and a.quantity > a.received_quantity
),

shipped as (
    select
        s.supplier_code,
        s.po_no,
        s.po_line_no,
        sum(s.quantity) as quantity
    from shipped_line as s
    group by s.supplier_code, s.po_no, s.po_line_no
),

ordered as (
    select
        l.item_code,
        l.due_at,
        (l.quantity - l.short_quantity - l.received_quantity) * f.numerator / f.denominator
        - coalesce(s.quantity, 0) as quantity
    from artery_erp.purchase_order_line as l
    inner join artery_erp.purchase_order as o
        on l.supplier_code = o.supplier_code and l.po_no = o.po_no
    inner join artery_erp.item as i on l.item_code = i.code
    left join shipped as s
        on l.supplier_code = s.supplier_code and l.po_no = s.po_no and l.line_no = s.po_line_no
    left join lateral artery_erp.unit_factor(l.item_code, l.unit, i.stock_unit) as f on true
    where o.status = 'approved' and l.quantity > l.short_quantity + l.received_quantity
),

event as (
    select
        b.item_code,
        current_date as date,
        b.quantity as on_hand,
        0::numeric as in_transit,
        0::numeric as on_order
    from artery_erp.stock_balance as b
    inner join artery_erp.warehouse as w on b.warehouse_code = w.code
    where b.in_stock and w.kind not in ('scrap', 'quarantine')
    union all
    select
        s.item_code,
        greatest(s.expected_at::date, current_date) as date,
        0 as on_hand,
        s.quantity as in_transit,
        0 as on_order
    from shipped_line as s
    union all
    select
        o.item_code,
        case when o.due_at is not null then greatest(o.due_at::date, current_date) end as date,
        0 as on_hand,
        0 as in_transit,
        o.quantity as on_order
    from ordered as o
    where o.quantity > 0 or o.quantity is null
)

select
    e.item_code,
    i.name,
    i.stock_unit as unit,
    e.date,
    trim_scale(sum(e.on_hand)) as on_hand,
    trim_scale(sum(e.in_transit)) as in_transit,
    trim_scale(sum(e.on_order)) as on_order,
    trim_scale(sum(sum(e.on_hand) + sum(e.in_transit) + sum(e.on_order)) over (
        partition by e.item_code
        order by e.date nulls last
    )) as expected
from event as e
inner join artery_erp.item as i on e.item_code = i.code
group by e.item_code, i.name, i.stock_unit, e.date;

comment on view artery_erp.supply_outlook is
'What there is of each item and when more comes, in its stock unit: on hand (usable, today), in transit by shipping '
'notice, on order without what is in transit; expected = all of it so far. What is late counts as of today; date null = '
'ordered without a date; quantity null = its unit does not convert';
grant select on artery_erp.supply_outlook to artery_reader, artery_app;
