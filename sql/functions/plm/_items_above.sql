-- Inlined into their callers, so that a limit ends the walk: hence no search_path
create or replace function artery_plm._items_above(p_items text[], p_within text[] default null)
returns setof text
language sql
stable
as $function$
with recursive reached as (
    select i.code collate "C" as item_code
    from unnest(p_items) as i (code)
    union
    select b.item_code
    from reached as r
    inner join artery_erp.bom_line as l on l.component_code = r.item_code
    inner join artery_erp.bom as b on b.id = l.bom_id and b.status = 'released'
    where p_within is null or b.item_code in (select w.code from unnest(p_within) as w (code))
)

select r.item_code::text
from reached as r
$function$;
comment on function artery_plm._items_above(text[], text[]) is
'The items, and all above them in released BOMs of any date, as far as p_within goes (null = everywhere)';

create or replace function artery_plm._items_below(p_items text[], p_within text[] default null)
returns setof text
language sql
stable
as $function$
with recursive reached as (
    select i.code collate "C" as item_code
    from unnest(p_items) as i (code)
    union
    select l.component_code
    from reached as r
    inner join artery_erp.bom as b on b.item_code = r.item_code and b.status = 'released'
    inner join artery_erp.bom_line as l on l.bom_id = b.id
    where p_within is null or l.component_code in (select w.code from unnest(p_within) as w (code))
)

select r.item_code::text
from reached as r
$function$;
comment on function artery_plm._items_below(text[], text[]) is
'The items, and all below them in released BOMs of any date, as far as p_within goes (null = everywhere)';
