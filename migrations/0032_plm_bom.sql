set local role artery_owner;

create table artery_staging.plm_bom (
    id bigint generated always as identity primary key,
    source text not null default session_user,
    message_id text not null,
    body text not null,
    body_hash bigint generated always as (hashtextextended(body, 0)) stored,
    status text not null default 'new',
    received_at timestamptz not null default clock_timestamp(),
    received_by text not null default session_user,
    attempts integer not null default 0,
    due_at timestamptz not null default clock_timestamp(),
    processed_at timestamptz,
    result jsonb,
    reasons jsonb,
    history jsonb,
    constraint plm_bom_message_key unique (source, message_id, body_hash),
    constraint plm_bom_source_check check (length(source) between 1 and 200),
    constraint plm_bom_message_id_check check (length(message_id) between 1 and 200),
    constraint plm_bom_body_check check (octet_length(body) between 1 and 134217728),
    constraint plm_bom_status_check check (
        status in ('new', 'processed', 'rejected', 'parked')
    )
);
create unique index plm_bom_accepted_key on artery_staging.plm_bom (source, message_id)
where status in ('processed', 'parked');
create index plm_bom_due_idx on artery_staging.plm_bom (due_at, id)
where status in ('new', 'parked');
create index plm_bom_rejected_idx on artery_staging.plm_bom (id) where status = 'rejected';
comment on table artery_staging.plm_bom is
'Bills of material from the PLM as they came: JSON (schema plm_bom in artery_staging.message_schema) '
'or XML (artery_plm.xml_mapping); many in a message, 128 MiB at most';

create table artery_plm.xml_mapping (
    name text primary key,
    namespace text not null default '',
    detect text not null,
    item_rows text,
    item_columns text[],
    bom_rows text,
    bom_columns text[],
    line_rows text not null,
    line_columns text[] not null,
    position smallint not null default 100,
    constraint xml_mapping_item_columns_check check (cardinality(item_columns) = 5),
    constraint xml_mapping_bom_columns_check check (cardinality(bom_columns) = 8),
    constraint xml_mapping_line_columns_check check (cardinality(line_columns) = 19)
);
comment on table artery_plm.xml_mapping is
'How the XML of a source system reads: XPath of the rows and, from each row, of its columns. The '
'prefix m stands for the namespace; '''' in a column = not there';
comment on column artery_plm.xml_mapping.detect is 'XPath that finds something in such documents only';
comment on column artery_plm.xml_mapping.item_columns is
'code, name, unit, source (make or buy), attributes';
comment on column artery_plm.xml_mapping.bom_columns is
'item, name, revision, status, base_quantity, unit, valid_from, valid_to';
comment on column artery_plm.xml_mapping.line_columns is
'parent, revision, level, line_no, component, component_revision, name, quantity, unit, scrap_rate, '
'issue_method, operation_no, operation_name, phantom, warehouse, valid_from, valid_to, designators '
'(nodes), substitutes (nodes with attributes component, priority, ratio)';
comment on column artery_plm.xml_mapping.position is 'Which is tried first where the source names none';

create table artery_plm.bom_source (
    source text primary key,
    mapping text references artery_plm.xml_mapping (name),
    inclusive_ends boolean not null default false,
    on_change text not null default 'update',
    constraint bom_source_on_change_check check (on_change in ('update', 'reject'))
);
create index bom_source_mapping_idx on artery_plm.bom_source (mapping);
comment on table artery_plm.bom_source is 'What is particular to a system that sends BOMs; no row = the defaults';
comment on column artery_plm.bom_source.mapping is 'How its XML reads; null = found out by what is in it';
comment on column artery_plm.bom_source.inclusive_ends is
'Its end dates are the last day on which a line still holds; a message may say so itself';
comment on column artery_plm.bom_source.on_change is
'What to do with a revision that is there with other lines: update it, or reject (changes by ECN only)';

/* The one recordset that JSON and XML meet in. Rows live while their message is imported, in its
   transaction: nothing is lost with them, so they need no log. */
create unlogged table artery_plm.bom_import_row (
    message bigint not null,
    kind text not null,
    seq integer not null,
    path text not null,
    bom integer,
    level text,
    item text collate "C",
    revision text collate "C",
    line_no text,
    component text collate "C",
    component_revision text collate "C",
    name text,
    quantity text,
    unit text collate "C",
    scrap_rate text,
    issue_method text,
    operation_no text,
    operation_name text,
    phantom text,
    status text,
    warehouse text collate "C",
    valid_from text,
    valid_to text,
    designators text[],
    substitutes jsonb,
    more jsonb,
    bom_id bigint,
    action text,
    changed integer[],
    constraint bom_import_row_kind_check check (
        kind in ('item', 'bom', 'line', 'operation')
    )
);
create index bom_import_row_message_idx on artery_plm.bom_import_row (message, kind, seq);
comment on table artery_plm.bom_import_row is
'Rows of the messages that are just being imported, as text; empty otherwise';
comment on column artery_plm.bom_import_row.changed is
'Lines of a BOM that is there already and gets others';
comment on column artery_plm.bom_import_row.bom is 'seq of the row of kind bom that a line belongs to';

create unlogged table artery_plm.bom_import_edge (
    message bigint not null,
    parent text collate "C" not null,
    child text collate "C" not null,
    holds tstzmultirange not null
);
create index bom_import_edge_message_idx on artery_plm.bom_import_edge (message, parent);
comment on table artery_plm.bom_import_edge is
'Edges among which a cycle is just being looked for; empty otherwise';

insert into artery_plm.xml_mapping (
    name, namespace, detect, item_rows, item_columns, bom_rows, bom_columns, line_rows,
    line_columns, position
)
select
    'b2mml-' || v.version as name,
    v.namespace,
    '/m:*' as detect,
    '//m:MaterialDefinition' as item_rows,
    array[
        'm:ID', 'm:Description[1]',
        'm:MaterialDefinitionProperty[m:ID="BaseUnitOfMeasure"][1]/m:Value[1]/m:ValueString',
        '', ''
    ] as item_columns,
    '//m:MaterialRequirement[m:MaterialUse="Produced"] | '
    || '//m:OperationsMaterialBillItem[m:UseType="Produced"]' as bom_rows,
    array[
        'm:MaterialDefinitionID[1]', 'm:Description[1]', '', '', 'm:Quantity[1]/m:QuantityString',
        'm:Quantity[1]/m:UnitOfMeasure', '', ''
    ] as bom_columns,
    '//m:MaterialRequirement[m:MaterialUse="Consumed"] | '
    || '//m:OperationsMaterialBillItem[m:UseType="Consumed"]' as line_rows,
    array[
        '((ancestor::m:SegmentRequirement/m:MaterialRequirement[m:MaterialUse="Produced"] | '
        || '../m:OperationsMaterialBillItem[m:UseType="Produced"])[last()])'
        || '/m:MaterialDefinitionID[1]',
        '', '',
        'm:MaterialRequirementProperty[m:ID="Indice"][1]/m:Value[1]/m:ValueString',
        'm:MaterialDefinitionID[1]', '', 'm:Description[1]',
        'm:Quantity[1]/m:QuantityString', 'm:Quantity[1]/m:UnitOfMeasure', '', '',
        '(ancestor::m:SegmentRequirement/m:ID)[last()]',
        '(ancestor::m:SegmentRequirement/m:ProcessSegmentID)[last()]',
        '', '', '', '', '', ''
    ] as line_columns,
    v.position
from (values
    ('v0401', 'http://www.wbf.org/xml/B2MML-V0401', 10),
    ('v0700', 'http://www.mesa.org/xml/B2MML', 20)
) as v (version, namespace, position);

insert into artery_plm.xml_mapping (
    name, detect, item_rows, item_columns, bom_rows, bom_columns, line_rows, line_columns, position
) values (
    'generic',
    '/bom_message',
    '/bom_message/item',
    array['@code', '@name', '@unit', '@source', ''],
    '/bom_message/bom',
    array[
        '@item', '@name', '@revision', '@status', '@base_quantity', '@unit', '@valid_from',
        '@valid_to'
    ],
    '/bom_message/bom/line | /bom_message/line',
    array[
        '@parent | ../@item', '@revision | ../@revision', '@level', '@line_no', '@component',
        '@component_revision', '@name', '@quantity', '@unit', '@scrap_rate', '@issue_method',
        '@operation_no', '@operation_name', '@phantom', '@warehouse', '@valid_from', '@valid_to',
        'designator', 'substitute'
    ],
    30
);

grant select on artery_staging.plm_bom to artery_reader;
grant select on artery_plm.xml_mapping, artery_plm.bom_source to artery_reader;
grant insert, update, delete on artery_plm.xml_mapping, artery_plm.bom_source to artery_admin;
