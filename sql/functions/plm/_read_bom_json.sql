/* Three forms, and any mix of them: boms with their lines nested; lines that name their parent;
   lines with a level, indented. p_message: whose rows they become. */
create or replace function artery_plm._read_bom_json(p_message bigint, p_document jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.bom_import_row (message, kind, seq, path, item, name, unit, more)
    select
        p_message,
        'item',
        i.position,
        '/items/' || i.position - 1,
        artery_plm._code(i.value ->> 'code'),
        i.value ->> 'name',
        artery_plm._code(i.value ->> 'unit'),
        i.value - '{code,name,unit}'::text[]
    from jsonb_array_elements(p_document -> 'items') with ordinality as i (value, position);

    insert into artery_plm.bom_import_row (
        message, kind, seq, path, item, revision, name, status, quantity, unit, valid_from, valid_to
    )
    select
        p_message,
        'bom',
        b.position,
        '/boms/' || b.position - 1,
        artery_plm._code(b.value ->> 'item'),
        artery_plm._code(b.value ->> 'revision'),
        b.value ->> 'name',
        b.value ->> 'status',
        artery_plm._number_text(b.value -> 'base_quantity'),
        artery_plm._code(b.value ->> 'unit'),
        b.value ->> 'valid_from',
        b.value ->> 'valid_to'
    from jsonb_array_elements(p_document -> 'boms') with ordinality as b (value, position);

    insert into artery_plm.bom_import_row (message, kind, seq, bom, path, operation_no, name, more)
    select
        p_message,
        'operation',
        row_number() over (),
        b.position,
        format('/boms/%s/operations/%s', b.position - 1, o.position - 1),
        artery_plm._number_text(o.value -> 'operation_no'),
        o.value ->> 'name',
        jsonb_build_object(
            'work_center', o.value ->> 'work_center',
            'setup_minutes', artery_plm._number_text(o.value -> 'setup_minutes'),
            'run_minutes', artery_plm._number_text(o.value -> 'run_minutes')
        )
    from jsonb_array_elements(p_document -> 'boms') with ordinality as b (value, position)
    cross join lateral jsonb_array_elements(b.value -> 'operations') with ordinality as o (value, position);

    insert into artery_plm.bom_import_row (
        message, kind, seq, path, bom, item, revision, level, line_no, component, component_revision, name,
        quantity, unit, scrap_rate, issue_method, operation_no, operation_name, phantom, warehouse,
        valid_from, valid_to, designators, substitutes
    )
    select
        p_message,
        'line',
        row_number() over (),
        case when b.position is null then '' else '/boms/' || b.position - 1 end || '/lines/' || l.position - 1,
        b.position,
        artery_plm._code(coalesce(b.item, l.parent)),
        artery_plm._code(coalesce(b.revision, l.revision)),
        artery_plm._number_text(l.level),
        artery_plm._number_text(l.line_no),
        artery_plm._code(l.component),
        artery_plm._code(l.component_revision),
        l.name,
        artery_plm._number_text(l.quantity),
        artery_plm._code(l.unit),
        artery_plm._number_text(l.scrap_rate),
        l.issue_method,
        artery_plm._number_text(l.operation_no),
        l.operation_name,
        l.phantom,
        artery_plm._code(l.warehouse),
        l.valid_from,
        l.valid_to,
        l.designators,
        l.substitutes
    from (
        select
            n.position,
            n.value ->> 'item' as item,
            n.value ->> 'revision' as revision,
            n.value -> 'lines' as lines
        from jsonb_array_elements(p_document -> 'boms') with ordinality as n (value, position)
        union all
        select null, null, null, p_document -> 'lines'
        where p_document ? 'lines'
    ) as b
    cross join lateral rows from (
        jsonb_to_recordset(b.lines) as (
            parent text, revision text, level jsonb, line_no jsonb, component text, component_revision text,
            name text, quantity jsonb, unit text, scrap_rate jsonb, issue_method text, operation_no jsonb,
            operation_name text, phantom text, warehouse text, valid_from text, valid_to text,
            designators text[], substitutes jsonb
        )
    ) with ordinality as l (
        parent, revision, level, line_no, component, component_revision, name, quantity, unit, scrap_rate,
        issue_method, operation_no, operation_name, phantom, warehouse, valid_from, valid_to, designators,
        substitutes, position
    );
end
$function$;
comment on function artery_plm._read_bom_json(bigint, jsonb) is
'A BOM message in JSON, valid by its schema, as rows of artery_plm.bom_import_row';
