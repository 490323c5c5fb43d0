create or replace view artery_mes.shop_order
with (security_invoker = true) as
select
    mo.mo_no,
    mo.item_code,
    mo.quantity,
    mo.unit,
    mo.status,
    mo.version
from artery_erp.manufacturing_order as mo
union all
select
    o.mo_no,
    o.item_code,
    o.quantity,
    o.unit,
    -- released no more: cancelled for the shop floor, whatever the ERP calls it
    case when o.status = 'planned' and o.version > 0 then 'cancelled' else o.status end as status,
    o.version
from artery_mes.adopted_order as o
where not exists (
    select
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = o.mo_no
);

comment on view artery_mes.shop_order is
'Orders that the shop floor is told of: those of artery_erp, and those of an adopted ERP';
grant select on artery_mes.shop_order to artery_reader;
