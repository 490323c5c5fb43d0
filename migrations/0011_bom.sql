set local role artery_owner;

/* One row a revision. Two released revisions of an item must not be effective at the same time. The
   exclusion compares a 64-bit hash of the code, so that it needs no extension for text in a GiST
   index; two codes with one hash (one chance in millions at a million items) would be refused
   overlapping revisions with a clear error, never be given wrong ones. */
create table artery_erp.bom (
    id bigint generated always as identity primary key,
    item_code text collate "C" not null references artery_erp.item (code),
    revision text collate "C" not null,
    status text not null default 'draft',
    base_quantity numeric not null default 1,
    unit text collate "C" not null references artery_erp.unit (code),
    effectivity tstzrange not null default '(,)',
    created_at timestamptz not null default now(),
    constraint bom_item_revision_key unique (item_code, revision),
    constraint bom_revision_check check (revision ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$'),
    constraint bom_status_check check (status in ('draft', 'released', 'obsolete')),
    constraint bom_base_quantity_check check (base_quantity > 0 and base_quantity < 1e15),
    constraint bom_effectivity_half_open_check check (
        not isempty(effectivity)
        and (lower_inf(effectivity) or lower_inc(effectivity))
        and not upper_inc(effectivity)
    ),
    constraint bom_one_effective_excl exclude using gist (
        int8range(hashtextextended(item_code, 0), hashtextextended(item_code, 0), '[]') with &&,
        effectivity with &&
    ) where (status = 'released')
);
comment on table artery_erp.bom is 'Bills of material, a revision a row';
comment on column artery_erp.bom.status is
'Only released revisions are built; obsolete = withdrawn, whatever its effectivity says';
comment on column artery_erp.bom.base_quantity is 'The quantities of the lines make this many';
comment on column artery_erp.bom.unit is 'Of base_quantity';
comment on column artery_erp.bom.effectivity is 'From (inclusive) until (exclusive)';

create table artery_erp.bom_operation (
    bom_id bigint not null references artery_erp.bom (id) on delete cascade,
    operation_no integer not null,
    name text,
    work_center text,
    setup_minutes numeric not null default 0,
    run_minutes numeric not null default 0,
    primary key (bom_id, operation_no),
    constraint bom_operation_number_check check (operation_no > 0),
    constraint bom_operation_setup_minutes_check check (
        setup_minutes >= 0 and setup_minutes < 1e9
    ),
    constraint bom_operation_run_minutes_check check (run_minutes >= 0 and run_minutes < 1e9)
);
comment on table artery_erp.bom_operation is 'Routing: the operations of a revision, by number';
comment on column artery_erp.bom_operation.setup_minutes is 'Once an order';
comment on column artery_erp.bom_operation.run_minutes is 'For the base quantity of the revision';

create table artery_erp.bom_line (
    bom_id bigint not null references artery_erp.bom (id) on delete cascade,
    line_no integer not null,
    component_code text collate "C" not null references artery_erp.item (code),
    component_revision text collate "C",
    quantity numeric not null,
    unit text collate "C" not null references artery_erp.unit (code),
    scrap_rate numeric not null default 0,
    issue_method text not null default 'backflush',
    operation_no integer,
    phantom boolean not null default false,
    warehouse_code text collate "C" references artery_erp.warehouse (code),
    effectivity tstzrange not null default '(,)',
    primary key (bom_id, line_no),
    constraint bom_line_operation_fkey foreign key (bom_id, operation_no)
    references artery_erp.bom_operation (bom_id, operation_no),
    constraint bom_line_number_check check (line_no > 0),
    constraint bom_line_quantity_check check (quantity > 0 and quantity < 1e15),
    constraint bom_line_scrap_rate_check check (scrap_rate >= 0 and scrap_rate < 100),
    constraint bom_line_issue_method_check check (
        issue_method in ('issue', 'backflush', 'floor_stock')
    ),
    constraint bom_line_effectivity_half_open_check check (
        not isempty(effectivity)
        and (lower_inf(effectivity) or lower_inc(effectivity))
        and not upper_inc(effectivity)
    )
);
create index bom_line_component_code_idx on artery_erp.bom_line (component_code);
comment on table artery_erp.bom_line is
'Components. A line is known by (bom_id, line_no): the same component may stand on several';
comment on column artery_erp.bom_line.component_revision is
'Fixed revision of the component''s own BOM; null = the one effective on the day';
comment on column artery_erp.bom_line.quantity is 'For the base quantity of the revision, without scrap';
comment on column artery_erp.bom_line.scrap_rate is
'0.10 = 10 %: the requirement is multiplied by 1 + scrap_rate';
comment on column artery_erp.bom_line.issue_method is
'issue = by hand; backflush = by the report of what was made; floor_stock = not booked an order';
comment on column artery_erp.bom_line.phantom is
'Not stocked: the order takes the components of this component''s own BOM in its place';
comment on column artery_erp.bom_line.warehouse_code is 'Taken from here; null = where the order says';

create table artery_erp.bom_line_designator (
    bom_id bigint not null,
    line_no integer not null,
    designator text collate "C" not null,
    primary key (bom_id, line_no, designator),
    constraint bom_line_designator_line_fkey foreign key (bom_id, line_no)
    references artery_erp.bom_line (bom_id, line_no) on delete cascade
);
comment on table artery_erp.bom_line_designator is
'Reference designators: the places (R1, R2 ...) where the pieces of a line go';

create table artery_erp.bom_line_substitute (
    bom_id bigint not null,
    line_no integer not null,
    priority integer not null,
    component_code text collate "C" not null references artery_erp.item (code),
    ratio numeric not null default 1,
    primary key (bom_id, line_no, priority),
    constraint bom_line_substitute_component_key unique (bom_id, line_no, component_code),
    constraint bom_line_substitute_line_fkey foreign key (bom_id, line_no)
    references artery_erp.bom_line (bom_id, line_no) on delete cascade,
    constraint bom_line_substitute_priority_check check (priority > 0),
    constraint bom_line_substitute_ratio_check check (ratio > 0 and ratio < 1e15)
);
create index bom_line_substitute_component_code_idx
on artery_erp.bom_line_substitute (component_code);
comment on table artery_erp.bom_line_substitute is
'What may be taken instead of a line''s component, lowest priority number first';
comment on column artery_erp.bom_line_substitute.ratio is
'Stock units of the substitute for one stock unit of the component';

grant select on
    artery_erp.bom, artery_erp.bom_operation, artery_erp.bom_line,
    artery_erp.bom_line_designator, artery_erp.bom_line_substitute
    to artery_reader, artery_app;
grant insert, update, delete on
    artery_erp.bom, artery_erp.bom_operation, artery_erp.bom_line,
    artery_erp.bom_line_designator, artery_erp.bom_line_substitute
    to artery_app;
