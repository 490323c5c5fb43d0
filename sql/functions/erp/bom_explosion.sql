/* Quantities run down the tree as exact fractions (numerator, denominator) and are rounded once, in
   `required`: neither the depth nor a division by 3 in a phantom adds to the last place.
   A component that is its own ancestor is shown once more, marked cyclic, and not followed. */
create or replace function artery_erp.bom_explosion(
    p_item_code text,
    p_quantity numeric default 1,
    p_at timestamptz default now(),
    p_revision text default null,
    p_unit text default null,
    p_phantoms_only boolean default false
)
returns table (
    level integer,
    path text,
    bom_id bigint,
    line_no integer,
    line_path integer[],
    parent_code text,
    component_code text,
    component_revision text,
    component_bom_id bigint,
    quantity numeric,
    base_quantity numeric,
    required numeric,
    unit text,
    scrap_rate numeric,
    phantom boolean,
    issue_method text,
    operation_no integer,
    warehouse_code text,
    cyclic boolean,
    missing text
)
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    with recursive tree as (
        select
            0 as level,
            null::bigint as bom_id,
            null::integer as line_no,
            '{}'::integer[] as line_path,
            array[i.code] as items,
            i.code as component_code,
            p_revision collate "C" as component_revision,
            i.stock_unit as unit,
            f.numerator,
            f.denominator,
            null::numeric as scrap_rate,
            true as phantom,
            null::text as issue_method,
            null::integer as operation_no,
            null::text collate "C" as warehouse_code,
            false as cyclic,
            null::text collate "C" as missing,
            b.id as component_bom_id,
            b.unit as bom_unit,
            b.base_quantity as bom_quantity
        from artery_erp.item as i
        left join lateral artery_erp.unit_factor(
            i.code, coalesce(p_unit, i.stock_unit), i.stock_unit
        ) as f on true
        left join lateral artery_erp.effective_bom(i.code, p_at, p_revision) as b on true
        where i.code = p_item_code

        union all

        select
            up.level + 1,
            up.component_bom_id,
            l.line_no,
            up.line_path || l.line_no,
            up.items || l.component_code,
            l.component_code,
            l.component_revision,
            i.stock_unit,
            up.numerator * fb.numerator * l.quantity * (1 + l.scrap_rate) * fl.numerator,
            up.denominator * fb.denominator * up.bom_quantity * fl.denominator,
            l.scrap_rate,
            l.phantom,
            l.issue_method,
            -- a phantom is assembled where its line stands: the operation numbers are those of the top
            case when up.phantom and up.level > 0 then up.operation_no else l.operation_no end,
            coalesce(l.warehouse_code, case when up.phantom then up.warehouse_code end),
            l.component_code = any(up.items),
            nullif(concat_ws('; ',
                case when fb.numerator is null and up.unit is not null then
                    format('item %s from %s to %s', up.component_code, up.unit, up.bom_unit)
                end,
                case when fl.numerator is null and i.stock_unit is not null then
                    format('item %s from %s to %s', l.component_code, l.unit, i.stock_unit)
                end
            ), ''),
            b.id,
            b.unit,
            b.base_quantity
        from tree as up
        inner join artery_erp.bom_line as l
            on l.bom_id = up.component_bom_id and l.effectivity @> p_at
        inner join artery_erp.item as i on i.code = l.component_code
        left join lateral artery_erp.unit_factor(
            up.component_code, up.unit, up.bom_unit
        ) as fb on true
        left join lateral artery_erp.unit_factor(l.component_code, l.unit, i.stock_unit) as fl
            on true
        left join lateral artery_erp.effective_bom(
            l.component_code, p_at, l.component_revision
        ) as b on true
        where not up.cyclic and (up.phantom or not p_phantoms_only)
    )

    select
        t.level,
        array_to_string(t.items, ' > '),
        t.bom_id,
        t.line_no,
        t.line_path,
        t.items[t.level]::text,
        t.component_code::text,
        t.component_revision::text,
        t.component_bom_id,
        trim_scale(t.numerator),
        trim_scale(t.denominator),
        artery_erp.round_up(p_quantity * t.numerator, t.denominator, u.whole_number),
        t.unit::text,
        t.scrap_rate,
        t.phantom,
        t.issue_method,
        t.operation_no,
        t.warehouse_code::text,
        t.cyclic,
        t.missing
    from tree as t
    left join artery_erp.unit as u on u.code = t.unit
    where t.level > 0
    order by t.line_path;
end
$function$;

comment on function artery_erp.bom_explosion(
    text, numeric, timestamptz, text, text, boolean
) is
'All levels below an item at p_at, in tree order: what p_quantity of it (in p_unit; null = its stock unit) '
'requires, in each component''s stock unit, scrap included: quantity for base_quantity of the item, exact; '
'required, rounded up at 8 places or to whole units. p_phantoms_only: goes down through phantoms alone, as '
'an order does. missing names unit conversions that are not there; what depends on them is null';
grant execute on function artery_erp.bom_explosion(
    text, numeric, timestamptz, text, text, boolean
) to artery_app, artery_reader;
