-- A line as a document: what two revisions are compared by, key by key
create or replace function artery_erp.bom_line_documents(p_bom_id bigint)
returns table (line_no integer, document jsonb)
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select
    l.line_no,
    jsonb_strip_nulls(jsonb_build_object(
        'component', l.component_code,
        'component_revision', l.component_revision,
        'quantity', trim_scale(l.quantity)::text,
        'unit', l.unit,
        'scrap_rate', trim_scale(l.scrap_rate)::text,
        'issue_method', l.issue_method,
        'operation_no', l.operation_no,
        'phantom', l.phantom,
        'warehouse', l.warehouse_code,
        'valid_from', lower(l.effectivity),
        'valid_until', upper(l.effectivity),
        'designators', (
            select string_agg(d.designator, ' ' order by d.designator)
            from artery_erp.bom_line_designator as d
            where d.bom_id = l.bom_id and d.line_no = l.line_no
        ),
        'substitutes', (
            select string_agg(
                format('%s %s x %s', s.priority, trim_scale(s.ratio), s.component_code),
                ', ' order by s.priority
            )
            from artery_erp.bom_line_substitute as s
            where s.bom_id = l.bom_id and s.line_no = l.line_no
        )
    ))
from artery_erp.bom_line as l
where l.bom_id = p_bom_id
$function$;
comment on function artery_erp.bom_line_documents(bigint) is
'The lines of a BOM revision, each as a document of its properties; quantities as text, exact';
grant execute on function artery_erp.bom_line_documents(bigint) to artery_app, artery_reader;

create or replace function artery_erp.bom_diff(p_item_code text, p_from text, p_to text)
returns table (
    line_no integer,
    change text,
    component_code text,
    property text,
    from_value text,
    to_value text
)
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_from record;
    v_to record;
    v_absent text;
begin
    select b.* into v_from from artery_erp.bom as b where b.item_code = p_item_code and b.revision = p_from;
    select b.* into v_to from artery_erp.bom as b where b.item_code = p_item_code and b.revision = p_to;
    v_absent := concat_ws(
        ', ', case when v_from.id is null then p_from end, case when v_to.id is null then p_to end
    );
    if v_absent <> '' then
        raise exception using
            errcode = 'IN121',
            message = format('item %s has no revision %s', p_item_code, v_absent),
            detail = coalesce((
                select 'It has ' || string_agg(b.revision, ', ' order by b.id) || '.'
                from artery_erp.bom as b
                where b.item_code = p_item_code
            ), 'It has no BOM.'),
            hint = 'Revisions are compared exactly, case included.';
    end if;

    return query
    select
        null::integer,
        'changed',
        p_item_code,
        h.property,
        h.from_value,
        h.to_value
    from (values
        ('base_quantity', trim_scale(v_from.base_quantity)::text, trim_scale(v_to.base_quantity)::text),
        ('unit', v_from.unit::text, v_to.unit::text)
    ) as h (property, from_value, to_value)
    where h.from_value <> h.to_value;

    return query
    select
        coalesce(a.line_no, b.line_no),
        case when a.line_no is null then 'added' when b.line_no is null then 'removed' else 'changed' end,
        coalesce(b.document, a.document) ->> 'component',
        k.property,
        a.document ->> k.property,
        b.document ->> k.property
    from artery_erp.bom_line_documents(v_from.id) as a
    full join artery_erp.bom_line_documents(v_to.id) as b on b.line_no = a.line_no
    cross join lateral jsonb_object_keys(
        coalesce(a.document, '{}') || coalesce(b.document, '{}')
    ) as k (property)
    where
        a.document -> k.property is distinct from b.document -> k.property
        -- of a line that comes or goes, what it amounts to
        and (a.line_no is not null and b.line_no is not null or k.property in ('quantity', 'unit', 'component'))
    order by 1, k.property = 'unit', k.property;
end
$function$;
comment on function artery_erp.bom_diff(text, text, text) is
'What differs between two revisions of an item''s BOM: a row for each property of each line, matched by line '
'number; line_no null = of the whole BOM. Errors: IN121 no such revision';
grant execute on function artery_erp.bom_diff(text, text, text) to artery_app, artery_reader;
