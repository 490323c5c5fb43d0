/* One row for each ECO line and object, in one statement for one ECO or all open ones. Orders are
   found by their frozen lines, through phantoms too; planned ones, which have none yet, by their
   item and the day they start. What is on order counts without what is already in transit. */
create or replace function artery_plm.impact_rows(p_eco_no text)
returns table (
    eco_no text,
    item_code text,
    line_no integer,
    action text,
    component_code text,
    object_kind text,
    object_id text,
    object_status text,
    quantity numeric,
    issued numeric,
    unit text,
    value numeric,
    proposed text
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
begin
    return query
    with line as materialized (
        select
            e.eco_no,
            e.mandatory,
            coalesce(e.effective_at, now()) as effective_at,
            c.item_code,
            c.line_no,
            c.action,
            c.component_code,
            -- of a line that is added nothing is there yet that it could leave over
            c.action <> 'add' as has_component,
            c.action = 'change' and coalesce(c.change ->> 'component_code', c.component_code) = c.component_code
            or exists (
                select
                from artery_erp.bom_line as l
                inner join artery_erp.bom as o on o.id = l.bom_id
                where
                    l.component_code = c.component_code
                    and l.bom_id <> b.base_bom_id
                    and l.bom_id is distinct from b.new_bom_id
                    and o.status = 'released'
                    and (upper_inf(o.effectivity) or upper(o.effectivity) > now())
            ) as still_used,
            b.base_bom_id,
            h.revision as base_revision,
            h.effectivity as base_effectivity,
            p.stock_unit as item_unit,
            k.stock_unit as component_unit,
            -- of the component for one of the item
            l.quantity * (1 + l.scrap_rate) * f.numerator * g.numerator
            / (h.base_quantity * f.denominator * g.denominator) as per_item
        from artery_erp.engineering_change_order as e
        inner join artery_erp.engineering_change_line as c on c.eco_no = e.eco_no
        inner join artery_erp.engineering_change_bom as b on b.eco_no = c.eco_no and b.item_code = c.item_code
        inner join artery_erp.bom as h on h.id = b.base_bom_id
        inner join artery_erp.item as p on p.code = c.item_code
        inner join artery_erp.item as k on k.code = c.component_code
        left join artery_erp.bom_line as l on l.bom_id = b.base_bom_id and l.line_no = c.line_no
        left join lateral artery_erp.unit_factor(k.code, l.unit, k.stock_unit) as f on true
        left join lateral artery_erp.unit_factor(p.code, p.stock_unit, h.unit) as g on true
        where
            case
                when p_eco_no is null then e.status in ('submitted', 'approved', 'scheduled', 'implemented')
                else e.eco_no = p_eco_no
            end
    ),

    object as (
        select
            l.eco_no,
            l.item_code,
            l.line_no,
            o.kind,
            o.mo_no as id,
            o.status,
            case when l.has_component then o.required end as quantity,
            case when l.has_component then o.issued end as issued,
            false as of_item,
            o.planned_start
        from line as l
        inner join artery_plm.impact_orders((select array_agg(distinct x.base_bom_id) from line as x)) as o
            on o.bom_id = l.base_bom_id and (o.bom_line_no = l.line_no or not l.has_component and o.first)
        union all
        select
            l.eco_no,
            l.item_code,
            l.line_no,
            'mo_not_started',
            mo.mo_no,
            mo.status,
            round(mo.quantity * f.numerator / f.denominator * l.per_item, 8),
            0,
            false,
            mo.planned_start
        from line as l
        inner join artery_erp.manufacturing_order as mo
            on
                mo.item_code = l.item_code
                and mo.status = 'planned'
                and case
                    when mo.bom_revision is null then l.base_effectivity @> mo.planned_start
                    else mo.bom_revision = l.base_revision
                end
        left join lateral artery_erp.unit_factor(mo.item_code, mo.unit, l.item_unit) as f on true
        union all
        select
            l.eco_no,
            l.item_code,
            l.line_no,
            s.kind,
            s.id,
            s.status,
            s.quantity,
            null,
            s.kind = 'product_stock',
            null
        from line as l
        inner join artery_plm.impact_stock((
            select array_agg(distinct i.code)
            from line as x
            cross join lateral (values (x.item_code), (x.component_code)) as i (code)
        )) as s
            on
                s.item_code = l.component_code and l.has_component and s.kind <> 'product_stock'
                or s.item_code = l.item_code and s.kind = 'product_stock'
        union all
        select
            l.eco_no,
            l.item_code,
            l.line_no,
            'assembly',
            w.item_code,
            'built',
            null,
            null,
            false,
            null
        from line as l
        inner join (
            select
                x.item_code as base_item,
                u.item_code
            from (select distinct x.item_code from line as x) as x
            cross join lateral artery_erp.where_used_items(x.item_code) as u
        ) as w on w.base_item = l.item_code
    )

    select
        l.eco_no::text,
        l.item_code::text,
        l.line_no,
        l.action,
        l.component_code::text,
        o.kind,
        o.id::text,
        o.status,
        trim_scale(o.quantity),
        trim_scale(o.issued),
        case when o.of_item then l.item_unit else l.component_unit end::text,
        round(o.quantity * coalesce(c.unit_cost, i.standard_cost), 2),
        case
            when o.kind = 'assembly' then 'use_as_is'
            when o.kind in ('mo_started', 'mo_done', 'product_stock')
                or o.kind = 'mo_not_started' and o.planned_start < l.effective_at then
                case when l.mandatory then 'rework' else 'use_as_is' end
            when o.kind = 'mo_not_started' then 'rework'
            when l.still_used then 'use_as_is'
            when l.mandatory then 'scrap'
            else 'exhaust'
        end
    from object as o
    inner join line as l on l.eco_no = o.eco_no and l.item_code = o.item_code and l.line_no = o.line_no
    inner join artery_erp.item as i on i.code = case when o.of_item then l.item_code else l.component_code end
    left join artery_erp.item_cost as c on c.item_code = i.code;
end
$function$;
comment on function artery_plm.impact_rows(text) is
'What an ECO, or with null every open one, hits: a row for each line and object';
revoke execute on function artery_plm.impact_rows(text) from public;
