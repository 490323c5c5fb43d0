/* Items that a message names and nobody knows become drafts, with what it says of them; drafts
   that were known learn what they lack. Codes in order: writers that overlap do not deadlock. */
create or replace function artery_plm._store_items(p_message bigint)
returns text[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_new text[];
begin
    with named as (
        select r.item as code, r.name, r.unit, r.more ->> 'source' as source, r.more -> 'attributes' as attributes, 1 as rank, r.seq
        from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'item'
        union all
        select r.item, r.name, r.unit, 'make', null, 2, r.seq
        from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'bom'
        union all
        select r.component, r.name, r.unit, null, null, 3, r.seq
        from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'line'
        union all
        select artery_plm._code(s.value ->> 'component'), null, null, null, null, 4, r.seq
        from artery_plm.bom_import_row as r
        cross join lateral jsonb_array_elements(r.substitutes) as s
        where r.message = p_message and r.kind = 'line' and jsonb_typeof(r.substitutes) = 'array'
    ),

    fresh as (
        select
            n.code,
            (array_agg(n.name order by n.rank, n.seq) filter (where n.name is not null))[1] as name,
            (array_agg(n.unit order by n.rank, n.seq) filter (where n.unit is not null))[1] as unit,
            (array_agg(n.source order by n.rank, n.seq) filter (where n.source is not null))[1] as source,
            (array_agg(n.attributes order by n.rank, n.seq) filter (where n.attributes is not null))[1] as attributes
        from named as n
        where not exists (select from artery_erp.item as i where i.code = n.code and i.status <> 'draft')
        group by n.code
    ),

    completed as (
        update artery_erp.item as i
        set
            name = coalesce(i.name, f.name),
            stock_unit = coalesce(i.stock_unit, f.unit),
            source = coalesce(i.source, f.source),
            attributes = coalesce(f.attributes, '{}') || i.attributes
        from fresh as f
        where
            i.code = f.code
            and i.status = 'draft'
            and (
                i.name is null and f.name is not null
                or i.stock_unit is null and f.unit is not null
                or i.source is null and f.source is not null
                or not i.attributes @> coalesce(f.attributes, '{}')
            )
    ),

    stored as (
        insert into artery_erp.item (code, name, stock_unit, source, attributes)
        select f.code, f.name, f.unit, f.source, coalesce(f.attributes, '{}')
        from fresh as f
        where not exists (select from artery_erp.item as i where i.code = f.code)
        order by f.code
        on conflict (code) do nothing
        returning code
    )

    select array_agg(s.code order by s.code)
    into v_new
    from stored as s;
    return coalesce(v_new, '{}');
end
$function$;
comment on function artery_plm._store_items(bigint) is
'Makes draft items of what a message names and nobody knows; gives their codes';

create or replace function artery_plm._bom_link_reasons(p_message bigint)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(jsonb_agg(artery._reason(p.code, p.message, p.hint, p.path) order by p.seq), '[]')
from (
    select
        r.seq,
        r.path || '/unit' as path,
        case when i.stock_unit is null then 'IN204' else 'IN102' end as code,
        case
            when i.stock_unit is null then format('item %s has no unit, and the message gives none', i.code)
            else format('item %s: no conversion from %s to %s', i.code, r.unit, i.stock_unit)
        end as message,
        case
            when i.stock_unit is null then 'Send its unit, with the line or in items.'
            else 'Add it to artery_erp.unit_conversion, or send the item''s stock unit.'
        end as hint
    from artery_plm.bom_import_row as r
    inner join artery_erp.item as i on i.code = coalesce(r.component, r.item)
    where
        r.message = p_message
        and r.kind in ('bom', 'line')
        and case
            when i.stock_unit is null then true
            when r.unit <> i.stock_unit then not exists (select from artery_erp.unit_factor(i.code, r.unit, i.stock_unit))
        end
    union all
    select
        r.seq,
        r.path || '/component_revision',
        'IN208',
        format('item %s has no revision %s', r.component, r.component_revision),
        'Send that revision in the same message, or before.'
    from artery_plm.bom_import_row as r
    where
        r.message = p_message
        and r.kind = 'line'
        and r.component_revision is not null
        and not exists (
            select from artery_erp.bom as b where b.item_code = r.component and b.revision = r.component_revision
        )
        and not exists (
            select from artery_plm.bom_import_row as o
            where o.message = p_message and o.kind = 'bom' and o.item = r.component and o.revision = r.component_revision
        )
    limit 1000
) as p
$function$;
comment on function artery_plm._bom_link_reasons(bigint) is
'Units, conversions and revisions that a message takes for granted and that are not there';
