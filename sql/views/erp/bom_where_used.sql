create or replace view artery_erp.bom_where_used
with (security_invoker = true) as
select -- noqa: ST06
    i.code as item_code,
    w.level,
    repeat('  ', w.level - 1) || w.parent_code as used_in,
    p.name,
    w.revision,
    w.line_no,
    w.required,
    w.unit,
    w.top,
    concat_ws(
        '; ', case when w.cyclic then 'contains itself' end, 'no conversion: ' || w.missing
    ) as note
from artery_erp.item as i
cross join lateral artery_erp.where_used(i.code) as w
inner join artery_erp.item as p on w.parent_code = p.code;

comment on view artery_erp.bom_where_used is
'Where each item goes into now, upwards, indented; required = of it for one of the assembly: select … where '
'item_code = ''…''. For another day or quantity: artery_erp.where_used(item, quantity, at)';
grant select on artery_erp.bom_where_used to artery_reader, artery_app;
