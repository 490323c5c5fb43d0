create or replace function artery_erp.bom_tree(
    p_item_code text,
    p_quantity numeric default 1,
    p_at timestamptz default now(),
    p_revision text default null
)
returns table (
    level integer,
    line_no integer,
    item text,
    name text,
    required numeric,
    unit text,
    revision text,
    issue_method text,
    operation_no integer,
    note text,
    item_code text
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
    if p_revision is not null and not exists (
        select from artery_erp.effective_bom(p_item_code, p_at, p_revision)
    ) then
        raise exception using
            errcode = 'IN121',
            message = format('item %s has no released revision %s', p_item_code, p_revision),
            detail = coalesce((
                select 'It has ' || string_agg(
                    format('%s (%s)', b.revision, b.status), ', ' order by b.id
                ) || '.'
                from artery_erp.bom as b
                where b.item_code = p_item_code
            ), 'It has no BOM.'),
            hint = 'Leave the revision out for the one that is effective on the day.';
    end if;

    return query
    select
        0,
        null::integer,
        i.code::text,
        i.name,
        trim_scale(p_quantity),
        i.stock_unit::text,
        b.revision::text,
        null::text,
        null::integer,
        concat_ws('; ', nullif(i.status, 'released'), case when b.id is null then 'no BOM' end),
        i.code::text
    from artery_erp.item as i
    left join lateral artery_erp.effective_bom(i.code, p_at, p_revision) as b on true
    where i.code = p_item_code;

    return query
    select
        e.level,
        e.line_no,
        repeat('  ', e.level) || e.component_code,
        i.name,
        e.required,
        e.unit,
        b.revision::text,
        e.issue_method,
        e.operation_no,
        concat_ws('; ',
            case when e.phantom then 'phantom' end,
            nullif(i.status, 'released'),
            case when e.cyclic then 'contains itself' end,
            'no conversion: ' || e.missing
        ),
        e.component_code
    from artery_erp.bom_explosion(p_item_code, p_quantity, p_at, p_revision) as e
    inner join artery_erp.item as i on i.code = e.component_code
    left join artery_erp.bom as b on b.id = e.component_bom_id
    order by e.line_path;
end
$function$;

comment on function artery_erp.bom_tree(text, numeric, timestamptz, text) is
'The explosion of an item to read: the item, and indented below it what p_quantity of it requires at p_at. '
'revision = the BOM that each is made by. Errors: IN120 no such item, IN121 no such released revision';
grant execute on function artery_erp.bom_tree(text, numeric, timestamptz, text)
    to artery_app, artery_reader;
