create or replace function artery_mes._component_problems(p_mo_no text, p_components jsonb)
returns table (code text, message text, hint text, path text)
language plpgsql
stable
rows 3
set search_path = pg_catalog, pg_temp
as $function$
begin
    if jsonb_typeof(p_components) <> 'array' then
        return query values (
            'IN303', 'components is no array',
            '[{"line_no": 10, "item": "A-1", "lot": "L-1", "quantity": "5"}]', '/components'
        );
        return;
    end if;

    return query
    select
        p.code,
        p.message,
        p.hint,
        '/components/' || c.no - 1 || p.field
    from (
        select
            e.no,
            case when e.value ->> 'line_no' ~ '^[0-9]{1,9}$' then (e.value ->> 'line_no')::integer end as line_no,
            artery_erp.clean_code(e.value ->> 'item') as item_code,
            artery_erp.clean_code(e.value ->> 'lot') as lot_no,
            artery_erp.clean_code(e.value ->> 'warehouse') as warehouse_code,
            case when e.value ->> 'quantity' ~ '^[0-9]{1,15}(\.[0-9]{1,8})?$' then
                (e.value ->> 'quantity')::numeric
            end as quantity
        from jsonb_array_elements(p_components) with ordinality as e (value, no)
    ) as c
    left join artery_erp.manufacturing_order_line as l on l.mo_no = p_mo_no and l.line_no = c.line_no
    left join artery_erp.manufacturing_order as mo on mo.mo_no = p_mo_no
    left join artery_erp.item as i on i.code = coalesce(c.item_code, l.component_code)
    left join artery_erp.unit as u on u.code = i.stock_unit
    left join artery_erp.warehouse as w
        on w.code = coalesce(c.warehouse_code, l.warehouse_code, mo.line_warehouse)
    left join artery_erp.lot as b on b.item_code = i.code and b.lot_no = c.lot_no
    cross join lateral (
        select
            'IN310',
            format('order %s has no line %s', p_mo_no, coalesce(c.line_no::text, '(none given)')),
            'Name a line of the order as it was dispatched.',
            '/line_no'
        where l.line_no is null
        union all
        select
            'IN310',
            format('line %s takes item %s and its substitutes, not %s', l.line_no, l.component_code, c.item_code),
            'Only what is listed with the line may be taken for it.',
            '/item'
        where
            c.item_code <> l.component_code
            and not exists (
                select
                from artery_erp.manufacturing_order_line_substitute as s
                where
                    s.mo_no = p_mo_no
                    and s.line_no = l.line_no
                    and s.component_code = c.item_code
            )
        union all
        select
            'IN303',
            'quantity is no number of 15 digits and 8 decimals at most, or a fraction of pieces',
            'In the stock unit of the item; send it as a string.',
            '/quantity'
        where c.quantity is null or c.quantity = 0 or u.whole_number and c.quantity <> trunc(c.quantity)
        union all
        select
            'IN305',
            format('there is no warehouse %s', coalesce(c.warehouse_code, '(none given)')),
            'The line or the order names one, or the report has to.',
            '/warehouse'
        where w.code is null
        union all
        select
            'IN307',
            case when c.lot_no is null then format('item %s comes in lots: name one', i.code)
                else format('item %s has no lot %s', i.code, c.lot_no) end,
            'select lot_no from artery_erp.lot tells which there are.',
            '/lot'
        where i.lot_tracked and b.lot_no is null or not i.lot_tracked and c.lot_no is not null
    ) as p (code, message, hint, field)
    order by c.no, p.field;
end
$function$;
comment on function artery_mes._component_problems(text, jsonb) is
'What is wrong with the components that a report names, and where; no rows = nothing';
revoke execute on function artery_mes._component_problems(text, jsonb) from public;
