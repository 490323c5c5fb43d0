-- Each item once, however many ways lead to it: unlike the explosion, linear in the lines.
create or replace function artery_erp.bom_items(
    p_item_code text, p_at timestamptz default now(), p_revision text default null
)
returns table (item_code text)
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
with recursive reached as (
    select
        p_item_code collate "C" as item_code,
        p_revision collate "C" as revision
    union
    select
        l.component_code,
        l.component_revision
    from reached as r
    cross join lateral artery_erp.effective_bom(r.item_code, p_at, r.revision) as b
    inner join artery_erp.bom_line as l on l.bom_id = b.id and l.effectivity @> p_at
)

select distinct r.item_code
from reached as r
$function$;

comment on function artery_erp.bom_items(text, timestamptz, text) is
'An item and everything below it at p_at, each item once';
grant execute on function artery_erp.bom_items(text, timestamptz, text)
    to artery_app, artery_reader;
