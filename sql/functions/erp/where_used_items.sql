-- Each assembly once, however many ways lead to it: linear in the lines.
create or replace function artery_erp.where_used_items(
    p_item_code text, p_at timestamptz default now()
)
returns table (item_code text)
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
with recursive reached as (
    select
        b.item_code,
        b.revision,
        b.effectivity @> p_at as effective
    from artery_erp.bom_line as l
    inner join artery_erp.bom as b on b.id = l.bom_id
    where
        l.component_code = p_item_code
        and l.effectivity @> p_at
        and b.status = 'released'
    union
    select
        b.item_code,
        b.revision,
        b.effectivity @> p_at
    from reached as r
    inner join artery_erp.bom_line as l
        on l.component_code = r.item_code and l.effectivity @> p_at
    inner join artery_erp.bom as b on b.id = l.bom_id and b.status = 'released'
    where
        case
            when l.component_revision is null then r.effective
            else l.component_revision = r.revision
        end
)

select distinct r.item_code::text
from reached as r
where r.effective
$function$;

comment on function artery_erp.where_used_items(text, timestamptz) is
'The items whose effective BOM has an item in it at p_at, at any depth, each once';
grant execute on function artery_erp.where_used_items(text, timestamptz)
    to artery_app, artery_reader;
