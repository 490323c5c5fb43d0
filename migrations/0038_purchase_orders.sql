set local role artery_owner;

create table artery_erp.supplier (
    code text collate "C" primary key,
    name text not null,
    active boolean not null default true,
    constraint supplier_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$')
);
comment on table artery_erp.supplier is 'Whom we buy from';

-- Keys begin with the supplier, and so does every reference: a number that one supplier uses tells
-- another nothing, and a shipping notice cannot point at somebody else's order.
create table artery_erp.purchase_order (
    supplier_code text collate "C" not null references artery_erp.supplier (code),
    po_no text collate "C" not null,
    status text not null default 'draft',
    currency text not null default 'CNY',
    ordered_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    primary key (supplier_code, po_no),
    constraint purchase_order_po_no_key unique (po_no),
    constraint purchase_order_number_check check (po_no ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$'),
    constraint purchase_order_status_check check (
        status in ('draft', 'approved', 'closed', 'cancelled')
    ),
    constraint purchase_order_currency_check check (currency ~ '^[A-Z]{3}$')
);
create index purchase_order_open_idx on artery_erp.purchase_order (po_no)
where status = 'approved';
comment on table artery_erp.purchase_order is 'Purchase orders';
comment on column artery_erp.purchase_order.currency is 'ISO 4217, of the lines'' prices';

create table artery_erp.purchase_order_line (
    supplier_code text collate "C" not null,
    po_no text collate "C" not null,
    line_no integer not null,
    item_code text collate "C" not null references artery_erp.item (code),
    quantity numeric not null,
    unit text collate "C" not null references artery_erp.unit (code),
    unit_price numeric,
    due_at timestamptz,
    received_quantity numeric not null default 0,
    short_closed boolean not null default false,
    primary key (supplier_code, po_no, line_no),
    constraint purchase_order_line_order_fkey foreign key (supplier_code, po_no)
    references artery_erp.purchase_order (supplier_code, po_no) on delete cascade,
    constraint purchase_order_line_number_check check (line_no > 0),
    constraint purchase_order_line_quantity_check check (quantity > 0 and quantity < 1e15),
    constraint purchase_order_line_unit_price_check check (unit_price >= 0 and unit_price < 1e15),
    constraint purchase_order_line_received_quantity_check check (
        received_quantity >= 0 and received_quantity < 1e15
    )
);
create index purchase_order_line_item_code_idx on artery_erp.purchase_order_line (item_code);
comment on table artery_erp.purchase_order_line is 'What was ordered, and how much of it has come';
comment on column artery_erp.purchase_order_line.unit_price is 'Of one unit; null = not agreed, which is not 0';
comment on column artery_erp.purchase_order_line.received_quantity is 'Booked in, in the line''s unit';
comment on column artery_erp.purchase_order_line.short_closed is 'The rest will never come';

create table artery_erp.asn_document (
    supplier_code text collate "C" not null references artery_erp.supplier (code),
    asn_no text collate "C" not null,
    status text not null default 'in_transit',
    shipped_at timestamptz,
    expected_at timestamptz,
    carrier text,
    tracking_no text,
    created_at timestamptz not null default now(),
    primary key (supplier_code, asn_no),
    constraint asn_document_number_check check (asn_no ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$'),
    constraint asn_document_status_check check (status in ('in_transit', 'received', 'cancelled'))
);
create index asn_document_in_transit_idx on artery_erp.asn_document (supplier_code, asn_no)
where status = 'in_transit';
comment on table artery_erp.asn_document is 'Advance shipping notices: what a supplier says is on its way';
comment on column artery_erp.asn_document.expected_at is 'When it should arrive (ETA)';

create table artery_erp.asn_line (
    supplier_code text collate "C" not null,
    asn_no text collate "C" not null,
    line_no integer not null,
    po_no text collate "C" not null,
    po_line_no integer not null,
    item_code text collate "C" not null references artery_erp.item (code),
    quantity numeric not null,
    unit text collate "C" not null references artery_erp.unit (code),
    lot_no text,
    sscc text,
    best_before date,
    outstanding_quantity numeric,
    outstanding_reason text,
    primary key (supplier_code, asn_no, line_no),
    constraint asn_line_document_fkey foreign key (supplier_code, asn_no)
    references artery_erp.asn_document (supplier_code, asn_no) on delete cascade,
    constraint asn_line_order_line_fkey foreign key (supplier_code, po_no, po_line_no)
    references artery_erp.purchase_order_line (supplier_code, po_no, line_no),
    constraint asn_line_number_check check (line_no > 0),
    constraint asn_line_quantity_check check (quantity >= 0 and quantity < 1e15),
    constraint asn_line_outstanding_quantity_check check (
        outstanding_quantity >= 0 and outstanding_quantity < 1e15
    ),
    constraint asn_line_sscc_check check (sscc ~ '^[0-9]{18}$')
);
create index asn_line_order_line_idx on artery_erp.asn_line (supplier_code, po_no, po_line_no);
create index asn_line_item_code_idx on artery_erp.asn_line (item_code);
comment on table artery_erp.asn_line is 'What a shipment holds of which order line';
comment on column artery_erp.asn_line.sscc is 'Serial shipping container code, 18 digits';
comment on column artery_erp.asn_line.outstanding_quantity is
'Of the order line still to come; what is neither delivered nor outstanding never will';

grant select on
    artery_erp.supplier, artery_erp.purchase_order, artery_erp.purchase_order_line,
    artery_erp.asn_document, artery_erp.asn_line
    to artery_reader, artery_app;
grant insert, update on
    artery_erp.supplier, artery_erp.purchase_order, artery_erp.purchase_order_line,
    artery_erp.asn_document, artery_erp.asn_line
    to artery_app;
