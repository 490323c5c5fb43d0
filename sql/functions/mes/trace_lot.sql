create or replace function artery_mes.trace_lot(
    p_item_code text, p_lot_no text, p_direction text default 'back'
)
returns table (level integer, item_code text, lot_no text, mo_no text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_direction is null or p_direction not in ('back', 'forward') then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('a lot is not traced %s', coalesce(p_direction, '(null)')),
            detail = format('Item %s, lot %s.', p_item_code, p_lot_no),
            hint = 'back = what went into it; forward = what it went into.';
    end if;

    return query
    with recursive tree as (
        select
            0 as level,
            p_item_code collate "C" as item_code,
            p_lot_no collate "C" as lot_no,
            null::text collate "C" as mo_no
        union
        select
            t.level + 1,
            n.item_code,
            n.lot_no,
            n.mo_no
        from tree as t
        -- each branch is planned for one lot: a condition that decides between them would read all
        cross join lateral (
            select
                g.component_item as item_code,
                g.component_lot as lot_no,
                g.mo_no
            from artery_mes.lot_genealogy as g
            where p_direction = 'back' and g.made_item = t.item_code and g.made_lot = t.lot_no
            union all
            select
                g.made_item,
                g.made_lot,
                g.mo_no
            from artery_mes.lot_genealogy as g
            where
                p_direction = 'forward'
                and g.component_item = t.item_code
                and g.component_lot = t.lot_no
            union all
            -- an item without lots, to begin with
            select
                case p_direction when 'back' then g.component_item else g.made_item end,
                case p_direction when 'back' then g.component_lot else g.made_lot end,
                g.mo_no
            from artery_mes.lot_genealogy as g
            where
                p_lot_no is null
                and t.level = 0
                and case p_direction
                    when 'back' then g.made_item = t.item_code and g.made_lot is null
                    else g.component_item = t.item_code and g.component_lot is null
                end
        ) as n
        where t.level < 100
    )

    select
        t.level,
        t.item_code::text,
        t.lot_no::text,
        t.mo_no::text
    from tree as t
    where t.level > 0
    order by t.level, t.item_code, t.lot_no, t.mo_no;
end
$function$;
comment on function artery_mes.trace_lot(text, text, text) is
'Every lot that went into a lot (p_direction back) or that it went into (forward), through all levels, with the order '
'that did it; what has no lots ends its branch. Errors: 22023 bad direction';
grant execute on function artery_mes.trace_lot(text, text, text) to artery_app, artery_reader;
