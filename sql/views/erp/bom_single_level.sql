create or replace view artery_erp.bom_single_level
with (security_invoker = true) as
select -- noqa: ST06
    b.item_code,
    b.revision,
    b.status,
    b.status = 'released' and b.effectivity @> now() as effective,
    l.line_no,
    l.component_code,
    i.name,
    trim_scale(l.quantity) as quantity,
    l.unit,
    trim_scale(b.base_quantity) as per_quantity,
    b.unit as per_unit,
    trim_scale(l.scrap_rate) as scrap_rate,
    l.issue_method,
    l.operation_no,
    l.phantom,
    l.component_revision,
    lower(l.effectivity) as valid_from,
    upper(l.effectivity) as valid_until,
    d.designators,
    s.substitutes
from artery_erp.bom as b
inner join artery_erp.bom_line as l on b.id = l.bom_id
inner join artery_erp.item as i on l.component_code = i.code
left join lateral (
    select string_agg(x.designator, ' ' order by x.designator) as designators
    from artery_erp.bom_line_designator as x
    where x.bom_id = l.bom_id and x.line_no = l.line_no
) as d on true
left join lateral (
    select string_agg(x.component_code, ' ' order by x.priority) as substitutes
    from artery_erp.bom_line_substitute as x
    where x.bom_id = l.bom_id and x.line_no = l.line_no
) as s on true;

comment on view artery_erp.bom_single_level is
'The lines of every revision, one level; effective = what is built now';
grant select on artery_erp.bom_single_level to artery_reader, artery_app;
