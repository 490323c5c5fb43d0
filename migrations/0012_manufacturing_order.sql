set local role artery_owner;

create table artery_erp.document_transition (
    document_type text collate "C" not null,
    from_status text collate "C" not null,
    to_status text collate "C" not null,
    primary key (document_type, from_status, to_status),
    constraint document_transition_change_check check (from_status <> to_status)
);
comment on table artery_erp.document_transition is
'The life cycle of each kind of document: which status may follow which, from "new" on';

insert into artery_erp.document_transition (document_type, from_status, to_status) values
('manufacturing_order', 'new', 'planned'),
('manufacturing_order', 'planned', 'released'),
('manufacturing_order', 'planned', 'cancelled'),
('manufacturing_order', 'released', 'in_progress'),
('manufacturing_order', 'released', 'held'),
('manufacturing_order', 'released', 'completed'),
('manufacturing_order', 'released', 'cancelled'),
('manufacturing_order', 'in_progress', 'held'),
('manufacturing_order', 'in_progress', 'completed'),
('manufacturing_order', 'held', 'released'),
('manufacturing_order', 'held', 'in_progress'),
('manufacturing_order', 'held', 'cancelled'),
('manufacturing_order', 'completed', 'closed');

create table artery_erp.manufacturing_order (
    mo_no text collate "C" primary key,
    item_code text collate "C" not null references artery_erp.item (code),
    bom_revision text collate "C",
    bom_id bigint references artery_erp.bom (id),
    quantity numeric not null,
    unit text collate "C" not null references artery_erp.unit (code),
    planned_start timestamptz not null default now(),
    planned_end timestamptz,
    priority smallint not null default 5,
    receive_warehouse text collate "C" references artery_erp.warehouse (code),
    line_warehouse text collate "C" references artery_erp.warehouse (code),
    status text not null default 'planned',
    version integer not null default 0,
    created_at timestamptz not null default now(),
    released_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    constraint manufacturing_order_number_check check (
        mo_no ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$'
    ),
    constraint manufacturing_order_quantity_check check (quantity > 0 and quantity < 1e15),
    constraint manufacturing_order_dates_check check (planned_end >= planned_start),
    constraint manufacturing_order_priority_check check (priority between 0 and 9),
    constraint manufacturing_order_status_check check (status in (
        'planned', 'released', 'in_progress', 'held', 'completed', 'closed', 'cancelled'
    )),
    constraint manufacturing_order_released_check check (
        status in ('planned', 'cancelled') or (bom_id is not null and released_at is not null)
    )
);
create index manufacturing_order_item_code_idx on artery_erp.manufacturing_order (item_code);
create index manufacturing_order_bom_id_idx on artery_erp.manufacturing_order (bom_id);
create index manufacturing_order_open_idx on artery_erp.manufacturing_order (status, planned_start)
where status not in ('closed', 'cancelled');
comment on table artery_erp.manufacturing_order is 'Manufacturing orders (MO)';
comment on column artery_erp.manufacturing_order.bom_revision is
'Revision to build: asked for by the planner or else, at release, the one effective at planned_start';
comment on column artery_erp.manufacturing_order.bom_id is 'The revision its lines were frozen from';
comment on column artery_erp.manufacturing_order.priority is '0 goes first, 9 last';
comment on column artery_erp.manufacturing_order.receive_warehouse is 'Where what is made goes';
comment on column artery_erp.manufacturing_order.line_warehouse is
'Where components are taken from, unless their line says otherwise';
comment on column artery_erp.manufacturing_order.status is
'planned -> released -> in_progress -> completed -> closed; held; cancelled';
comment on column artery_erp.manufacturing_order.version is
'Rises with each thing that the shop floor has to hear of, from 1 at release; never set by hand';

create table artery_erp.manufacturing_order_operation (
    mo_no text collate "C" not null references artery_erp.manufacturing_order (mo_no),
    operation_no integer not null,
    name text,
    work_center text,
    setup_minutes numeric not null,
    run_minutes numeric not null,
    base_quantity numeric not null,
    primary key (mo_no, operation_no)
);
comment on table artery_erp.manufacturing_order_operation is
'Operations of an order, as they were in its revision when it was released';
comment on column artery_erp.manufacturing_order_operation.run_minutes is
'For base_quantity of the order''s unit';

create table artery_erp.manufacturing_order_line (
    mo_no text collate "C" not null references artery_erp.manufacturing_order (mo_no),
    line_no integer not null,
    bom_id bigint not null references artery_erp.bom (id),
    bom_line_no integer not null,
    bom_path integer[] not null,
    component_code text collate "C" not null references artery_erp.item (code),
    component_revision text collate "C",
    quantity numeric not null,
    base_quantity numeric not null,
    required numeric not null,
    unit text collate "C" not null references artery_erp.unit (code),
    scrap_rate numeric not null,
    issue_method text not null,
    operation_no integer,
    warehouse_code text collate "C" references artery_erp.warehouse (code),
    primary key (mo_no, line_no),
    constraint manufacturing_order_line_operation_fkey foreign key (mo_no, operation_no)
    references artery_erp.manufacturing_order_operation (mo_no, operation_no),
    constraint manufacturing_order_line_number_check check (line_no > 0),
    constraint manufacturing_order_line_quantity_check check (
        quantity > 0 and quantity < 'infinity'
    ),
    constraint manufacturing_order_line_base_quantity_check check (
        base_quantity > 0 and base_quantity < 'infinity'
    ),
    constraint manufacturing_order_line_required_check check (
        required > 0 and required < 'infinity'
    ),
    constraint manufacturing_order_line_issue_method_check check (
        issue_method in ('issue', 'backflush', 'floor_stock')
    )
);
create index manufacturing_order_line_component_code_idx
on artery_erp.manufacturing_order_line (component_code);
create index manufacturing_order_line_bom_id_idx
on artery_erp.manufacturing_order_line (bom_id, bom_line_no);
comment on table artery_erp.manufacturing_order_line is
'Components of an order, frozen at its release: later changes of the BOM do not reach them';
comment on column artery_erp.manufacturing_order_line.line_no is
'The number of the BOM''s line; lines that came through a phantom are numbered after those';
comment on column artery_erp.manufacturing_order_line.bom_id is
'With bom_line_no the BOM line it comes from, which may be that of a phantom''s BOM';
comment on column artery_erp.manufacturing_order_line.bom_path is
'Line numbers from the order''s BOM down through phantoms to this line';
comment on column artery_erp.manufacturing_order_line.quantity is
'Scrap included, for base_quantity of the order''s unit: both exact, so that the requirement of any '
'number made is rounded once';
comment on column artery_erp.manufacturing_order_line.required is
'For the whole order: rounded up, at 8 places or to a whole number where the unit asks for one';
comment on column artery_erp.manufacturing_order_line.unit is 'The component''s stock unit';
comment on column artery_erp.manufacturing_order_line.warehouse_code is
'Taken from here; null = from the order''s line_warehouse';
comment on column artery_erp.manufacturing_order_line.scrap_rate is 'Of the BOM line, for information';

grant select on
    artery_erp.document_transition, artery_erp.manufacturing_order,
    artery_erp.manufacturing_order_operation, artery_erp.manufacturing_order_line
    to artery_reader, artery_app;
-- what triggers and functions keep (version, BOM, times, lines) is out of the application's reach
grant insert (
    mo_no, item_code, bom_revision, quantity, unit, planned_start, planned_end, priority,
    receive_warehouse, line_warehouse
) on artery_erp.manufacturing_order to artery_app;
grant update (
    item_code, bom_revision, quantity, unit, planned_start, planned_end, priority,
    receive_warehouse, line_warehouse, status
) on artery_erp.manufacturing_order to artery_app;
