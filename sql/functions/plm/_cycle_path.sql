/* What is live, less the revisions that a change replaces, and with the lines that it proposes in
   their place. Whether there is a way is asked of each item once; only then is it looked for. */
create or replace function artery_plm._cycle_path(
    p_item_code text,
    p_component_code text,
    p_at timestamptz,
    p_without_boms bigint[] default '{}',
    p_parents text[] default '{}',
    p_children text[] default '{}'
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
with recursive edge as not materialized (
    select
        b.item_code,
        l.component_code
    from artery_erp.bom as b
    inner join artery_erp.bom_line as l on l.bom_id = b.id
    where
        b.status = 'released'
        and b.effectivity * l.effectivity && tstzrange(p_at, null)
        and b.id <> all(p_without_boms)
    union all
    select
        p.parent collate "C",
        p.child collate "C"
    from unnest(p_parents, p_children) as p (parent, child)
),

reached as (
    select p_component_code collate "C" as item_code
    union
    select e.component_code
    from reached as r
    inner join edge as e on e.item_code = r.item_code
    where r.item_code <> p_item_code
),

way as (
    select
        p_component_code collate "C" as item_code,
        array[p_item_code, p_component_code] collate "C" as path
    where exists (select from reached as r where r.item_code = p_item_code)
    union all
    select
        e.component_code,
        w.path || e.component_code
    from way as w
    inner join edge as e on e.item_code = w.item_code
    where w.item_code <> p_item_code and e.component_code <> all(w.path[2:])
)

select array_to_string(w.path, ' > ')
from way as w
where w.item_code = p_item_code
limit 1
$function$;
comment on function artery_plm._cycle_path(
    text, text, timestamptz, bigint[], text[], text[]
) is
'The way by which a component contains an item from p_at on; null where it does not';
revoke execute on function artery_plm._cycle_path(
    text, text, timestamptz, bigint[], text[], text[]
) from public;
