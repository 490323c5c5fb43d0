-- Everything that is wrong with an ECN whose outer form is right
create or replace function artery_plm._ecn_reasons(p_body jsonb, p_at timestamptz)
returns table (code text, path text, message text, hint text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    with bom as materialized (
        select
            x.no::integer - 1 as no,
            format('/boms/%s', x.no - 1) as path,
            artery_erp.clean_code(x.body ->> 'item') as item_code,
            x.body ->> 'base_revision' as base_revision,
            x.body ->> 'new_revision' as new_revision,
            b.id,
            (
                select count(*) filter (where jsonb_typeof(l.value) = 'object') = count(*) and count(*) > 0
                from jsonb_array_elements(
                    case jsonb_typeof(x.body -> 'lines') when 'array' then x.body -> 'lines' else '[]' end
                ) as l
            ) as has_lines
        from jsonb_array_elements(p_body -> 'boms') with ordinality as x (body, no)
        left join artery_erp.bom as b
            on
                b.item_code = artery_erp.clean_code(x.body ->> 'item')
                and b.revision = x.body ->> 'base_revision'
    ),

    line as materialized (
        select
            l.*,
            b.id as bom_id,
            o.component_code as base_component,
            coalesce(l.component_code, o.component_code) as component,
            coalesce(l.unit, o.unit) as line_unit
        from artery_plm._ecn_lines(p_body -> 'boms') as l
        inner join bom as b on b.no = l.bom_no
        left join artery_erp.bom_line as o on o.bom_id = b.id and o.line_no = l.line_no
    ),

    -- the structure as it would be
    proposed as (
        select
            array_agg(x.parent) as parents,
            array_agg(x.child) as children
        from (
            select
                b.item_code as parent,
                coalesce(l.component_code, o.component_code) as child
            from bom as b
            inner join artery_erp.bom_line as o on o.bom_id = b.id
            left join line as l on l.bom_no = b.no and l.line_no = o.line_no
            where l.action is distinct from 'remove'
            union all
            select
                l.item_code,
                l.component_code
            from line as l
            where l.action = 'add' and l.component_code is not null
        ) as x
    )

    select
        'IN120',
        b.path || '/item',
        format('there is no item %s', coalesce(b.item_code, '(null)')),
        'Import its BOM first.'
    from bom as b
    where not exists (select from artery_erp.item as i where i.code = b.item_code)
    union all
    select
        'IN121',
        b.path || '/base_revision',
        format('item %s has no revision %s', b.item_code, coalesce(b.base_revision, '(null)')),
        'Name the released revision that the change starts from.'
    from bom as b
    where b.id is null and exists (select from artery_erp.item as i where i.code = b.item_code)
    union all
    select
        p.code,
        b.path || '/base_revision',
        p.message,
        p.hint
    from bom as b
    cross join lateral artery_plm._base_problems(
        b.item_code, b.id, artery_plm._bom_content(b.id), p_at
    ) as p
    where b.id is not null
    union all
    select
        'IN253',
        b.path || '/new_revision',
        format('%s is taken, or no revision', b.new_revision),
        'Leave it out for the next one.'
    from bom as b
    where
        b.new_revision !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$'
        or exists (
            select from artery_erp.bom as o
            where o.item_code = b.item_code and o.revision = b.new_revision
        )
    union all
    select
        'IN253',
        b.path || '/lines',
        'no lines, or something that is none',
        'Send a list of lines: {"action", "line_no", ...}.'
    from bom as b
    where not b.has_lines
    union all
    select
        'IN253',
        min(b.path),
        format('item %s stands in it twice', b.item_code),
        'Put all lines of an item into one.'
    from bom as b
    group by b.item_code
    having count(*) > 1
    union all
    select
        'IN253',
        l.path,
        f.message,
        'docs/engineering-changes.md has the form of an ECN.'
    from line as l
    cross join lateral jsonb_array_elements_text(l.faults) as f (message)
    union all
    select
        'IN253',
        min(l.path),
        format('line %s of item %s stands in it twice', l.line_no, l.item_code),
        'Say all of a line at once.'
    from line as l
    where l.line_no is not null
    group by l.item_code, l.line_no
    having count(*) > 1
    union all
    select
        'IN254',
        l.path || '/line_no',
        format(
            'revision %s of item %s has %s line %s', b.base_revision, b.item_code,
            case l.action when 'add' then 'already a' else 'no' end, l.line_no
        ),
        'Compare with: select * from artery_erp.bom_single_level.'
    from line as l
    inner join bom as b on b.no = l.bom_no
    where
        b.id is not null
        and l.line_no is not null
        and (l.action = 'add') = (l.base_component is not null)
        and l.action in ('add', 'remove', 'change')
    union all
    select
        'IN253',
        l.path,
        'it changes nothing',
        'Say what becomes different, or leave the line out.'
    from line as l
    where l.action = 'change' and l.change = '{}'
    union all
    select
        'IN253',
        l.path || '/unit',
        format('there is no unit %s', l.unit),
        'Add it to artery_erp.unit.'
    from line as l
    where l.unit is not null and not exists (select from artery_erp.unit as u where u.code = l.unit)
    union all
    select
        'IN102',
        l.path || '/unit',
        format('no conversion of item %s from %s to %s', i.code, l.line_unit, i.stock_unit),
        'Add it to artery_erp.unit_conversion.'
    from line as l
    inner join artery_erp.item as i on i.code = l.component
    where
        l.action <> 'remove'
        and not exists (select from artery_erp.unit_factor(i.code, l.line_unit, i.stock_unit))
        and i.stock_unit is not null
        and exists (select from artery_erp.unit as u where u.code = l.line_unit)
    union all
    select
        'IN253',
        l.path || '/warehouse',
        format('there is no warehouse %s', l.change ->> 'warehouse_code'),
        'Add it to artery_erp.warehouse.'
    from line as l
    where
        l.change ->> 'warehouse_code' is not null
        and not exists (select from artery_erp.warehouse as w where w.code = l.change ->> 'warehouse_code')
    union all
    select
        'IN253',
        l.path || '/operation_no',
        format('the base revision has no operation %s', l.change ->> 'operation_no'),
        'Name one of its operations.'
    from line as l
    where
        l.bom_id is not null
        and l.change ->> 'operation_no' is not null
        and not exists (
            select from artery_erp.bom_operation as o
            where o.bom_id = l.bom_id and o.operation_no::text = l.change ->> 'operation_no'
        )
    union all
    select
        'IN105',
        l.path || '/component',
        format('item %s would contain itself: %s', l.item_code, c.path),
        'Take another component.'
    from line as l
    cross join proposed as p
    cross join lateral artery_plm._cycle_path(
        l.item_code, l.component_code, p_at, array(select b.id from bom as b where b.id is not null),
        p.parents, p.children
    ) as c (path)
    where l.action in ('add', 'change') and c.path is not null;
end
$function$;
comment on function artery_plm._ecn_reasons(jsonb, timestamptz) is
'Why an ECN that takes effect at p_at cannot become an ECO: every reason, with its place in the message';
revoke execute on function artery_plm._ecn_reasons(jsonb, timestamptz) from public;
