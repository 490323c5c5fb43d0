create or replace view artery_plm.missing_cost
with (security_invoker = true) as
select -- noqa: ST06
    c.item_code,
    i.name,
    c.source,
    array_to_string(c.missing, '; ') as missing,
    c.run_id,
    c.as_of,
    c.computed_at
from artery_erp.item_cost as c
inner join artery_erp.item as i on c.item_code = i.code
where c.unit_cost is null;

comment on view artery_plm.missing_cost is 'Items whose cost is unknown, and what it lacks';
grant select on artery_plm.missing_cost to artery_reader;
