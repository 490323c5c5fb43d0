/* The explosion turned round: the same exact fractions, climbed instead of descended. A revision
   that is not effective at p_at is climbed only by lines that name it, and shown only if such a
   climb reaches one that is. */
create or replace function artery_erp.where_used(
    p_item_code text, p_quantity numeric default 1, p_at timestamptz default now()
)
returns table (
    level integer,
    path text,
    bom_id bigint,
    parent_code text,
    revision text,
    line_no integer,
    component_code text,
    quantity numeric,
    base_quantity numeric,
    required numeric,
    unit text,
    top boolean,
    cyclic boolean,
    missing text
)
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not exists (select from artery_erp.item as i where i.code = p_item_code) then
        raise exception using
            errcode = 'IN120',
            message = format('there is no item %s', coalesce(p_item_code, '(null)')),
            detail = 'No row of artery_erp.item has this code.',
            hint = 'Codes are compared exactly, case included.';
    end if;

    return query
    with recursive tree as (
        select
            0 as level,
            '{}'::bigint[] as boms,
            null::integer as line_no,
            array[i.code] as items,
            array[i.code] as sort_key,
            i.code as item_code,
            null::text collate "C" as revision,
            true as effective,
            1::numeric as numerator,
            1::numeric as denominator,
            i.stock_unit as unit,
            false as cyclic,
            null::text collate "C" as missing
        from artery_erp.item as i
        where i.code = p_item_code

        union all

        select
            up.level + 1,
            up.boms || b.id,
            l.line_no,
            up.items || b.item_code,
            up.sort_key || b.item_code || lpad(l.line_no::text, 10, '0') collate "C",
            b.item_code,
            b.revision,
            b.effectivity @> p_at,
            up.numerator * fb.numerator * l.quantity * (1 + l.scrap_rate) * fl.numerator,
            up.denominator * fb.denominator * b.base_quantity * fl.denominator,
            up.unit,
            b.item_code = any(up.items),
            nullif(concat_ws('; ', up.missing,
                case when fb.numerator is null and i.stock_unit is not null then
                    format('item %s from %s to %s', b.item_code, i.stock_unit, b.unit)
                end,
                case when fl.numerator is null and c.stock_unit is not null then
                    format('item %s from %s to %s', c.code, l.unit, c.stock_unit)
                end
            ), '')
        from tree as up
        inner join artery_erp.bom_line as l
            on l.component_code = up.item_code and l.effectivity @> p_at
        inner join artery_erp.bom as b on b.id = l.bom_id and b.status = 'released'
        inner join artery_erp.item as i on i.code = b.item_code
        inner join artery_erp.item as c on c.code = l.component_code
        left join lateral artery_erp.unit_factor(i.code, i.stock_unit, b.unit) as fb on true
        left join lateral artery_erp.unit_factor(c.code, l.unit, c.stock_unit) as fl on true
        where
            not up.cyclic
            and (
                up.level = 0
                or case
                    when l.component_revision is null then up.effective
                    else l.component_revision = up.revision
                end
            )
    )

    select
        t.level,
        array_to_string(t.items, ' < '),
        t.boms[t.level],
        t.item_code::text,
        t.revision::text,
        t.line_no,
        t.items[t.level]::text,
        trim_scale(t.numerator),
        trim_scale(t.denominator),
        artery_erp.round_up(p_quantity * t.numerator, t.denominator, u.whole_number),
        t.unit::text,
        not exists (
            select
            from artery_erp.bom_line as l
            inner join artery_erp.bom as b on b.id = l.bom_id
            where
                l.component_code = t.item_code
                and l.effectivity @> p_at
                and b.status = 'released'
                and b.effectivity @> p_at
        ),
        t.cyclic,
        t.missing
    from tree as t
    left join artery_erp.unit as u on u.code = t.unit
    where
        t.level > 0
        and (t.effective or exists (
            select
            from tree as x
            where x.effective and x.level > t.level and x.boms[:t.level] = t.boms
        ))
    order by t.sort_key;
end
$function$;

comment on function artery_erp.where_used(text, numeric, timestamptz) is
'Every assembly that an item goes into at p_at, upwards, a row for each way: what p_quantity of the assembly '
'(in its stock unit) requires of the item, scrap included: quantity for base_quantity, exact; required, '
'rounded up at 8 places or to whole units. top = goes into nothing else. missing names unit conversions that '
'are not there; what depends on them is null. Errors: IN120 no such item';
grant execute on function artery_erp.where_used(text, numeric, timestamptz)
    to artery_app, artery_reader;
