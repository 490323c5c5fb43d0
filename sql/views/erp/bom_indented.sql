create or replace view artery_erp.bom_indented
with (security_invoker = true) as
select
    b.item_code,
    b.revision as item_revision,
    t.level,
    t.line_no,
    t.item,
    t.name,
    t.required,
    t.unit,
    t.revision,
    t.issue_method,
    t.operation_no,
    t.note
from artery_erp.bom as b
cross join lateral artery_erp.bom_tree(b.item_code, b.base_quantity, now(), b.revision) as t
where b.status = 'released' and b.effectivity @> now();

comment on view artery_erp.bom_indented is
'What is built now, all levels, indented, for the base quantity: select … where item_code = ''…''. For another '
'day or quantity: artery_erp.bom_tree(item, quantity, at)';
grant select on artery_erp.bom_indented to artery_reader, artery_app;
