/* Row and column paths come from artery_plm.xml_mapping: that of the source, or the first that
   finds its own in the document. Nothing of XML is looked at before the call: PostgreSQL without
   libxml loads this too. */
create or replace function artery_plm._read_bom_xml(p_message bigint, p_text text, p_mapping text)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_document xml := xmlparse(document p_text);
    v_map record;
    v_none constant text := '@artery-none';
    v_item text[];
    v_bom text[];
    v_line text[];
begin
    for v_map in
        select m.*
        from artery_plm.xml_mapping as m
        where m.name = coalesce(p_mapping, m.name)
        order by m.position, m.name
    loop
        exit when xpath_exists(v_map.detect, v_document, array[array['m', v_map.namespace]]);
        v_map := null;
    end loop;
    if v_map is null then
        return null;
    end if;
    v_item := array(select coalesce(nullif(c.path, ''), v_none) from unnest(v_map.item_columns) with ordinality as c (path, n) order by c.n);
    v_bom := array(select coalesce(nullif(c.path, ''), v_none) from unnest(v_map.bom_columns) with ordinality as c (path, n) order by c.n);
    v_line := array(select coalesce(nullif(c.path, ''), v_none) from unnest(v_map.line_columns) with ordinality as c (path, n) order by c.n);

    if v_map.item_rows is not null then
        insert into artery_plm.bom_import_row (message, kind, seq, path, item, name, unit, more)
        select
            p_message,
            'item',
            x.n,
            format('(%s)[%s]', v_map.item_rows, x.n),
            artery_plm._code(x.code),
            nullif(x.name, ''),
            artery_plm._code(x.unit),
            jsonb_strip_nulls(jsonb_build_object('source', nullif(x.source, '')))
        from xmltable(
            xmlnamespaces(v_map.namespace as m), (v_map.item_rows) passing v_document
            columns
                n for ordinality,
                code text path v_item[1],
                name text path v_item[2],
                unit text path v_item[3],
                source text path v_item[4]
        ) as x;
    end if;

    if v_map.bom_rows is not null then
        insert into artery_plm.bom_import_row (
            message, kind, seq, path, item, name, revision, status, quantity, unit, valid_from, valid_to
        )
        select
            p_message,
            'bom',
            x.n,
            format('(%s)[%s]', v_map.bom_rows, x.n),
            artery_plm._code(x.item),
            nullif(x.name, ''),
            artery_plm._code(x.revision),
            nullif(x.status, ''),
            nullif(btrim(x.quantity), ''),
            artery_plm._code(x.unit),
            nullif(btrim(x.valid_from), ''),
            nullif(btrim(x.valid_to), '')
        from xmltable(
            xmlnamespaces(v_map.namespace as m), (v_map.bom_rows) passing v_document
            columns
                n for ordinality,
                item text path v_bom[1],
                name text path v_bom[2],
                revision text path v_bom[3],
                status text path v_bom[4],
                quantity text path v_bom[5],
                unit text path v_bom[6],
                valid_from text path v_bom[7],
                valid_to text path v_bom[8]
        ) as x;
    end if;

    insert into artery_plm.bom_import_row (
        message, kind, seq, path, item, revision, level, line_no, component, component_revision, name, quantity,
        unit, scrap_rate, issue_method, operation_no, operation_name, phantom, warehouse, valid_from, valid_to,
        designators, substitutes
    )
    select
        p_message,
        'line',
        x.n,
        format('(%s)[%s]', v_map.line_rows, x.n),
        artery_plm._code(x.parent),
        artery_plm._code(x.revision),
        nullif(btrim(x.level), ''),
        nullif(btrim(x.line_no), ''),
        artery_plm._code(x.component),
        artery_plm._code(x.component_revision),
        nullif(x.name, ''),
        nullif(btrim(x.quantity), ''),
        artery_plm._code(x.unit),
        nullif(btrim(x.scrap_rate), ''),
        nullif(btrim(x.issue_method), ''),
        nullif(btrim(x.operation_no), ''),
        nullif(btrim(x.operation_name), ''),
        nullif(btrim(x.phantom), ''),
        artery_plm._code(x.warehouse),
        nullif(btrim(x.valid_from), ''),
        nullif(btrim(x.valid_to), ''),
        (
            select array_agg(btrim(d.designator))
            from xmltable('/x/*' passing xmlelement(name x, x.designators) columns designator text path '.') as d
        ),
        (
            select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'component', s.component, 'priority', s.priority, 'ratio', s.ratio
            )) order by s.n)
            from xmltable(
                '/x/*' passing xmlelement(name x, x.substitutes)
                columns
                    n for ordinality, component text path '@component', priority text path '@priority',
                    ratio text path '@ratio'
            ) as s
        )
    from xmltable(
        xmlnamespaces(v_map.namespace as m), (v_map.line_rows) passing v_document
        columns
            n for ordinality,
            parent text path v_line[1],
            revision text path v_line[2],
            level text path v_line[3],
            line_no text path v_line[4],
            component text path v_line[5],
            component_revision text path v_line[6],
            name text path v_line[7],
            quantity text path v_line[8],
            unit text path v_line[9],
            scrap_rate text path v_line[10],
            issue_method text path v_line[11],
            operation_no text path v_line[12],
            operation_name text path v_line[13],
            phantom text path v_line[14],
            warehouse text path v_line[15],
            valid_from text path v_line[16],
            valid_to text path v_line[17],
            designators xml path v_line[18],
            substitutes xml path v_line[19]
    ) as x;
    return v_map.name;
end
$function$;
comment on function artery_plm._read_bom_xml(bigint, text, text) is
'A BOM message in XML as rows of artery_plm.bom_import_row; gives the mapping used, null if none fits. Errors: 2200M '
'no well-formed XML, 0A000 this PostgreSQL has no libxml';
