set local role artery_owner;

create table artery_erp.engineering_change_order (
    eco_no text collate "C" primary key,
    source text not null default session_user,
    title text not null,
    reason text,
    mandatory boolean not null default false,
    status text not null default 'draft',
    effectivity text not null,
    effective_at timestamptz,
    effective_mo_no text collate "C" references artery_erp.manufacturing_order (mo_no),
    requested_by text,
    status_reason text,
    created_at timestamptz not null default clock_timestamp(),
    submitted_at timestamptz,
    approved_at timestamptz,
    approved_by text,
    scheduled_at timestamptz,
    implemented_at timestamptz,
    ended_at timestamptz,
    constraint engineering_change_order_number_check check (
        eco_no ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$'
    ),
    constraint engineering_change_order_status_check check (status in (
        'draft', 'submitted', 'approved', 'scheduled', 'implemented', 'closed', 'rejected',
        'cancelled'
    )),
    constraint engineering_change_order_effectivity_check check (
        effectivity in ('now', 'date', 'mo')
    ),
    constraint engineering_change_order_effective_at_check check (
        (effectivity <> 'date' and status not in ('scheduled', 'implemented', 'closed'))
        or effective_at is not null
    ),
    constraint engineering_change_order_effective_mo_check check (
        (effectivity = 'mo') = (effective_mo_no is not null)
    )
);
create index engineering_change_order_open_idx on artery_erp.engineering_change_order (status)
where status not in ('closed', 'rejected', 'cancelled');
create index engineering_change_order_mo_idx
on artery_erp.engineering_change_order (effective_mo_no);
comment on table artery_erp.engineering_change_order is 'Engineering change orders (ECO)';
comment on column artery_erp.engineering_change_order.source is 'The system or user it came from';
comment on column artery_erp.engineering_change_order.mandatory is
'The old design must not go out any more: what is made by it is reworked or scrapped';
comment on column artery_erp.engineering_change_order.status is
'draft -> submitted -> approved -> scheduled -> implemented -> closed; rejected; cancelled. From scheduled on '
'the new revisions are there, so that plans for the days after it see them';
comment on column artery_erp.engineering_change_order.effectivity is
'now = as soon as scheduled; date = from effective_at; mo = from the planned start of effective_mo_no';

create table artery_erp.engineering_change_bom (
    eco_no text collate "C" not null
    references artery_erp.engineering_change_order (eco_no) on delete cascade,
    item_code text collate "C" not null references artery_erp.item (code),
    base_bom_id bigint not null references artery_erp.bom (id),
    base_content text not null,
    new_revision text collate "C" not null,
    new_bom_id bigint references artery_erp.bom (id),
    primary key (eco_no, item_code),
    constraint engineering_change_bom_revision_check check (
        new_revision ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$'
    )
);
create index engineering_change_bom_base_idx on artery_erp.engineering_change_bom (base_bom_id);
create index engineering_change_bom_new_idx on artery_erp.engineering_change_bom (new_bom_id);
create index engineering_change_bom_item_idx on artery_erp.engineering_change_bom (item_code);
comment on table artery_erp.engineering_change_bom is
'The BOMs that an ECO changes: the revision it starts from and the one it makes';
comment on column artery_erp.engineering_change_bom.base_content is
'Hash of the base revision as it was when the ECO was written: a base that changed since is stale';

create table artery_erp.engineering_change_line (
    eco_no text collate "C" not null,
    item_code text collate "C" not null,
    line_no integer not null,
    position integer not null,
    action text not null,
    component_code text collate "C" not null references artery_erp.item (code),
    change jsonb not null default '{}',
    primary key (eco_no, item_code, line_no),
    constraint engineering_change_line_position_key unique (eco_no, position),
    constraint engineering_change_line_bom_fkey foreign key (eco_no, item_code)
    references artery_erp.engineering_change_bom (eco_no, item_code) on delete cascade,
    constraint engineering_change_line_number_check check (line_no > 0),
    constraint engineering_change_line_action_check check (action in ('add', 'remove', 'change')),
    constraint engineering_change_line_change_check check (
        jsonb_typeof(change) = 'object' and (change = '{}') = (action = 'remove')
    )
);
create index engineering_change_line_component_idx
on artery_erp.engineering_change_line (component_code);
comment on table artery_erp.engineering_change_line is 'What an ECO does to the lines of each base revision';
comment on column artery_erp.engineering_change_line.component_code is
'Of the base revision''s line; of a line that is added, the new component';
comment on column artery_erp.engineering_change_line.change is
'Columns of artery_erp.bom_line and their new values; substitutes and designators as lists';

insert into artery_erp.document_transition (document_type, from_status, to_status) values
('engineering_change_order', 'new', 'draft'),
('engineering_change_order', 'new', 'submitted'),
('engineering_change_order', 'draft', 'submitted'),
('engineering_change_order', 'draft', 'cancelled'),
('engineering_change_order', 'submitted', 'approved'),
('engineering_change_order', 'submitted', 'rejected'),
('engineering_change_order', 'submitted', 'cancelled'),
('engineering_change_order', 'approved', 'scheduled'),
('engineering_change_order', 'approved', 'cancelled'),
('engineering_change_order', 'scheduled', 'implemented'),
('engineering_change_order', 'scheduled', 'cancelled'),
('engineering_change_order', 'implemented', 'closed');

create table artery_staging.plm_ecn (
    id bigint generated always as identity primary key,
    source text not null default session_user,
    message_id text not null,
    body jsonb not null,
    body_hash bigint generated always as (hashtextextended(body::text, 0)) stored,
    status text not null default 'new',
    received_at timestamptz not null default clock_timestamp(),
    received_by text not null default session_user,
    attempts integer not null default 0,
    due_at timestamptz not null default clock_timestamp(),
    processed_at timestamptz,
    result jsonb,
    reasons jsonb,
    history jsonb,
    constraint plm_ecn_message_key unique (source, message_id, body_hash),
    constraint plm_ecn_status_check check (status in ('new', 'processed', 'rejected', 'parked')),
    constraint plm_ecn_size_check check (octet_length(body::text) <= 10000000)
);
create unique index plm_ecn_accepted_key on artery_staging.plm_ecn (source, message_id)
where status in ('processed', 'parked');
create index plm_ecn_due_idx on artery_staging.plm_ecn (due_at, id)
where status in ('new', 'parked');
create index plm_ecn_rejected_idx on artery_staging.plm_ecn (id) where status = 'rejected';
comment on table artery_staging.plm_ecn is
'Engineering change notices (ECN) from the PLM; docs/engineering-changes.md has their form';

grant select on
    artery_erp.engineering_change_order, artery_erp.engineering_change_bom,
    artery_erp.engineering_change_line
    to artery_reader, artery_app;
grant select on artery_staging.plm_ecn to artery_reader;

-- what a line of an ECN may say, as data: the messages are checked by it
create table artery_plm.ecn_property (
    property text primary key,
    column_name text,
    kind text not null,
    wanted text not null,
    required text,
    pattern text,
    nullable boolean not null generated always as (
        property in ('component_name', 'component_revision', 'operation_no', 'warehouse')
    ) stored,
    constraint ecn_property_kind_check check (
        kind in ('positive', 'number', 'integer', 'boolean', 'list', 'code', 'text')
    ),
    constraint ecn_property_required_check check (required in ('always', 'add'))
);
comment on table artery_plm.ecn_property is 'The properties of a line in an ECN';
comment on column artery_plm.ecn_property.column_name is
'Of artery_erp.bom_line, or the list beside it; null = no property of the line itself';
comment on column artery_plm.ecn_property.nullable is 'A change may take it away: null';
insert into artery_plm.ecn_property (property, column_name, kind, wanted, required, pattern) values
('action', null, 'text', 'add, remove or change', 'always', '^(add|remove|change)$'),
('line_no', null, 'integer', 'a whole number above 0', 'always', null),
('component', 'component_code', 'code', 'an item code', 'add',
 '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$'),
('component_name', null, 'text', 'a text', null, ''),
('component_revision', 'component_revision', 'code', 'a revision', null,
 '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$'),
('quantity', 'quantity', 'positive', 'a number above 0', 'add', null),
('unit', 'unit', 'code', 'a unit', 'add', '^[A-Za-z0-9%][A-Za-z0-9%._/-]{0,15}$'),
('scrap_rate', 'scrap_rate', 'number', 'a rate of 0 up to 100 (0.1 = 10 %)', null, null),
('issue_method', 'issue_method', 'text', 'issue, backflush or floor_stock', null,
 '^(issue|backflush|floor_stock)$'),
('operation_no', 'operation_no', 'integer', 'a whole number above 0', null, null),
('phantom', 'phantom', 'boolean', 'true or false', null, null),
('warehouse', 'warehouse_code', 'code', 'a warehouse', null, '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$'),
('designators', 'designators', 'list', 'a list', null, null),
('substitutes', 'substitutes', 'list', 'a list', null, null);
grant select on artery_plm.ecn_property to artery_reader, artery_app;
