set local role artery_owner;

create table artery_erp.customer (
    code text collate "C" primary key,
    name text not null,
    tax_no text,
    address text,
    phone text,
    bank text,
    bank_account text,
    natural_person boolean not null default false,
    active boolean not null default true,
    constraint customer_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$'),
    constraint customer_name_check check (name ~ '[^[:space:]]'),
    constraint customer_tax_no_check check (tax_no ~ '^[A-Z0-9]{5,30}$')
);
comment on table artery_erp.customer is 'Whom we sell to, with what an invoice says of them';
comment on column artery_erp.customer.tax_no is
'Taxpayer number (China: 15 to 20 digits and capitals) or VAT identifier; null = has none';
comment on column artery_erp.customer.natural_person is 'A person and no business: needs no tax number';

create table artery_erp.sales_shipment (
    shipment_no text collate "C" primary key,
    customer_code text collate "C" not null references artery_erp.customer (code),
    status text not null default 'draft',
    currency text not null default 'CNY',
    tax_included boolean not null default false,
    remark text,
    created_at timestamptz not null default now(),
    posted_at timestamptz,
    stock_posting_id bigint,
    constraint sales_shipment_number_check check (
        shipment_no ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$'
    ),
    constraint sales_shipment_status_check check (status in ('draft', 'posted', 'cancelled')),
    constraint sales_shipment_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint sales_shipment_posted_check check ((status = 'posted') = (posted_at is not null))
);
create index sales_shipment_customer_code_idx on artery_erp.sales_shipment (customer_code);
create index sales_shipment_draft_idx on artery_erp.sales_shipment (shipment_no)
where status = 'draft';
comment on table artery_erp.sales_shipment is 'What leaves for a customer; posted = it has left';
comment on column artery_erp.sales_shipment.tax_included is 'The lines'' prices and discounts include tax';
comment on column artery_erp.sales_shipment.stock_posting_id is
'What its posting took out of stock; null = no line names a warehouse';

create table artery_erp.sales_shipment_line (
    shipment_no text collate "C" not null references artery_erp.sales_shipment (shipment_no)
    on delete cascade,
    line_no integer not null,
    item_code text collate "C" not null references artery_erp.item (code),
    quantity numeric not null,
    unit text collate "C" not null references artery_erp.unit (code),
    unit_price numeric not null,
    discount numeric not null default 0,
    tax_rate numeric,
    warehouse_code text collate "C" references artery_erp.warehouse (code),
    lot_no text collate "C",
    primary key (shipment_no, line_no),
    constraint sales_shipment_line_number_check check (line_no > 0),
    constraint sales_shipment_line_quantity_check check (quantity > 0 and quantity < 1e15),
    constraint sales_shipment_line_unit_price_check check (unit_price >= 0 and unit_price < 1e15),
    constraint sales_shipment_line_discount_check check (discount >= 0 and discount < 1e15),
    constraint sales_shipment_line_tax_rate_check check (tax_rate >= 0 and tax_rate <= 1)
);
create index sales_shipment_line_item_code_idx on artery_erp.sales_shipment_line (item_code);
comment on table artery_erp.sales_shipment_line is 'What was shipped, at which price';
comment on column artery_erp.sales_shipment_line.discount is
'Off the whole line, with or without tax as the price';
comment on column artery_erp.sales_shipment_line.tax_rate is '0.13 = 13 %; null = as the item''s profile says';
comment on column artery_erp.sales_shipment_line.warehouse_code is
'Where it is taken from when the shipment is posted; null = its stock is not kept here';

create table artery_erp.settlement (
    settlement_no text collate "C" primary key,
    customer_code text collate "C" not null references artery_erp.customer (code),
    status text not null default 'draft',
    currency text not null default 'CNY',
    tax_included boolean not null default false,
    remark text,
    created_at timestamptz not null default now(),
    approved_at timestamptz,
    constraint settlement_number_check check (settlement_no ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$'),
    constraint settlement_status_check check (status in ('draft', 'approved', 'cancelled')),
    constraint settlement_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint settlement_approved_check check ((status = 'approved') = (approved_at is not null))
);
create index settlement_customer_code_idx on artery_erp.settlement (customer_code);
create index settlement_draft_idx on artery_erp.settlement (settlement_no) where status = 'draft';
comment on table artery_erp.settlement is
'What is agreed with a customer to be paid: for shipments, services, a month';

create table artery_erp.settlement_line (
    settlement_no text collate "C" not null references artery_erp.settlement (settlement_no)
    on delete cascade,
    line_no integer not null,
    item_code text collate "C" not null references artery_erp.item (code),
    quantity numeric not null,
    unit text collate "C" not null references artery_erp.unit (code),
    unit_price numeric not null,
    discount numeric not null default 0,
    tax_rate numeric,
    shipment_no text collate "C",
    shipment_line_no integer,
    primary key (settlement_no, line_no),
    constraint settlement_line_shipment_fkey foreign key (shipment_no, shipment_line_no)
    references artery_erp.sales_shipment_line (shipment_no, line_no) match full,
    constraint settlement_line_number_check check (line_no > 0),
    constraint settlement_line_quantity_check check (quantity > 0 and quantity < 1e15),
    constraint settlement_line_unit_price_check check (unit_price >= 0 and unit_price < 1e15),
    constraint settlement_line_discount_check check (discount >= 0 and discount < 1e15),
    constraint settlement_line_tax_rate_check check (tax_rate >= 0 and tax_rate <= 1)
);
create index settlement_line_item_code_idx on artery_erp.settlement_line (item_code);
create index settlement_line_shipment_idx
on artery_erp.settlement_line (shipment_no, shipment_line_no);
comment on table artery_erp.settlement_line is 'What is to be paid, line by line; columns as those of a shipment''s line';
comment on column artery_erp.settlement_line.shipment_no is
'The shipment''s line that it settles; null = of none, such as a service';

create sequence artery_erp.ar_invoice_order_no_seq as bigint;

create table artery_erp.ar_invoice (
    order_no text collate "C" primary key default 'AR' || lpad(
        nextval('artery_erp.ar_invoice_order_no_seq')::text, 10, '0'
    ),
    kind text not null default 'blue',
    original_order_no text collate "C" references artery_erp.ar_invoice (order_no),
    invoice_type text not null default 'ordinary',
    source_type text not null,
    source_id text not null,
    part integer not null default 1,
    merchant text not null,
    profile text not null,
    customer_code text collate "C" references artery_erp.customer (code),
    buyer_name text not null,
    buyer_tax_no text,
    buyer_address text,
    buyer_phone text,
    buyer_bank text,
    buyer_account text,
    buyer_natural_person boolean not null default false,
    currency text not null,
    remark text,
    amount numeric(17, 2) not null,
    tax numeric(17, 2) not null,
    total numeric(17, 2) not null,
    status text not null default 'draft',
    request_id uuid,
    task_id bigint,
    requested_at timestamptz,
    invoice_no text collate "C",
    invoice_code text collate "C",
    issued_at timestamptz,
    response jsonb,
    answered_at timestamptz,
    reason text,
    created_at timestamptz not null default clock_timestamp(),
    constraint ar_invoice_kind_check check (kind in ('blue', 'red')),
    constraint ar_invoice_red_check check ((kind = 'red') = (original_order_no is not null)),
    constraint ar_invoice_type_check check (invoice_type in ('ordinary', 'special')),
    constraint ar_invoice_part_check check (part > 0),
    constraint ar_invoice_currency_check check (currency ~ '^[A-Z]{3}$'),
    -- also keeps NaN out, which is above all numbers and equal to itself
    constraint ar_invoice_total_check check (
        amount + tax = total and case kind
            when 'blue' then amount >= 0 and tax >= 0 and total < 1e15
            else amount <= 0 and tax <= 0 and total > -1e15
        end
    ),
    constraint ar_invoice_status_check check (status in (
        'draft', 'requested', 'issued', 'refused', 'undelivered', 'cancelled', 'partly_red', 'red'
    )),
    constraint ar_invoice_requested_check check (
        status in ('draft', 'cancelled') or request_id is not null
    ),
    constraint ar_invoice_issued_check check (
        (status in ('issued', 'partly_red', 'red')) = (invoice_no is not null)
    )
);
create unique index ar_invoice_source_key on artery_erp.ar_invoice (source_id, source_type, part)
where kind = 'blue' and status <> 'cancelled';
create unique index ar_invoice_number_key
on artery_erp.ar_invoice (invoice_no, merchant, (coalesce(invoice_code, '')))
where invoice_no is not null;
create unique index ar_invoice_request_id_key on artery_erp.ar_invoice (request_id);
create index ar_invoice_original_order_no_idx on artery_erp.ar_invoice (original_order_no)
where kind = 'red';
create index ar_invoice_customer_code_idx on artery_erp.ar_invoice (customer_code);
create index ar_invoice_open_idx on artery_erp.ar_invoice (status, created_at)
where status in ('draft', 'requested', 'refused', 'undelivered');
comment on table artery_erp.ar_invoice is
'Invoices to customers, as they were asked of the tax cloud, and what it answered';
comment on column artery_erp.ar_invoice.order_no is
'Our own number of it, by which the gateway knows it too; never used twice';
comment on column artery_erp.ar_invoice.kind is
'red = takes back a blue one, its amounts negative (a credit note)';
comment on column artery_erp.ar_invoice.part is 'Which one of those that its source document was split into';
comment on column artery_erp.ar_invoice.customer_code is 'null = one that only its own ERP knows';
comment on column artery_erp.ar_invoice.amount is 'Without tax; amount + tax = total';
comment on column artery_erp.ar_invoice.status is
'draft -> requested -> issued -> partly_red -> red; refused = the gateway said no; undelivered = it never '
'heard of it; both can be requested again or cancelled';
comment on column artery_erp.ar_invoice.request_id is
'Of the request that is under way or was answered: the same at each attempt, and what the gateway is asked by';
comment on column artery_erp.ar_invoice.task_id is
'Its task in artery.integration_task; no foreign key, as tasks are archived and this stays';
comment on column artery_erp.ar_invoice.invoice_no is
'The number that the tax authority gave it: digits as text (20 on a fully digitalised invoice)';
comment on column artery_erp.ar_invoice.response is 'The gateway''s last answer, whole, as it came';
comment on column artery_erp.ar_invoice.reason is 'Why it was refused, not delivered or cancelled';

create table artery_erp.ar_invoice_line (
    order_no text collate "C" not null references artery_erp.ar_invoice (order_no)
    on delete cascade,
    line_no integer not null,
    source_line_no integer,
    original_line_no integer,
    kind text not null default 'normal',
    item_code text collate "C",
    name text not null,
    tax_class_code text collate "C",
    spec text,
    unit text,
    quantity numeric,
    price numeric,
    tax_included boolean not null default false,
    amount numeric(17, 2) not null,
    category text not null,
    rate numeric not null,
    tax numeric(17, 2) not null,
    policy text,
    primary key (order_no, line_no),
    constraint ar_invoice_line_number_check check (line_no > 0),
    constraint ar_invoice_line_kind_check check (kind in ('normal', 'discounted', 'discount')),
    constraint ar_invoice_line_quantity_check check (
        (kind = 'discount') = (quantity is null)
        and (quantity is null) = (price is null)
        and (quantity is null or quantity > -1e15 and quantity < 1e15)
        and (price is null or price >= 0 and price < 1e15)
    ),
    constraint ar_invoice_line_tax_class_code_check check (tax_class_code ~ '^[0-9]{19}$'),
    constraint ar_invoice_line_rate_check check (rate >= 0 and rate <= 1),
    constraint ar_invoice_line_tax_check check (
        abs(amount * rate - tax) <= 0.06 and amount > -1e15 and amount < 1e15
    )
);
comment on table artery_erp.ar_invoice_line is
'Lines of an invoice as they are sent; a discount row follows the line that it belongs to';
comment on column artery_erp.ar_invoice_line.tax_class_code is
'Classification of goods and services for tax: 19 digits, as text';
comment on column artery_erp.ar_invoice_line.tax_included is 'Of the price; the amount never includes tax';
comment on column artery_erp.ar_invoice_line.category is
'VAT category (UNCL5305): S standard, Z zero, E exempt, AE reverse charge, K, G export, O not subject';
comment on column artery_erp.ar_invoice_line.policy is 'Code of the preferential policy; null = none';
comment on column artery_erp.ar_invoice_line.original_line_no is 'On a red one: the line that it takes back';

insert into artery_erp.document_transition (document_type, from_status, to_status) values
('sales_shipment', 'new', 'draft'),
('sales_shipment', 'draft', 'posted'),
('sales_shipment', 'draft', 'cancelled'),
('settlement', 'new', 'draft'),
('settlement', 'draft', 'approved'),
('settlement', 'draft', 'cancelled'),
('ar_invoice', 'new', 'draft'),
('ar_invoice', 'draft', 'requested'),
('ar_invoice', 'draft', 'cancelled'),
('ar_invoice', 'requested', 'issued'),
('ar_invoice', 'requested', 'refused'),
('ar_invoice', 'requested', 'undelivered'),
('ar_invoice', 'refused', 'requested'),
('ar_invoice', 'refused', 'cancelled'),
('ar_invoice', 'undelivered', 'requested'),
('ar_invoice', 'undelivered', 'cancelled'),
('ar_invoice', 'issued', 'partly_red'),
('ar_invoice', 'issued', 'red'),
('ar_invoice', 'partly_red', 'red');

grant select on
    artery_erp.customer, artery_erp.sales_shipment, artery_erp.sales_shipment_line,
    artery_erp.settlement, artery_erp.settlement_line,
    artery_erp.ar_invoice, artery_erp.ar_invoice_line
    to artery_reader, artery_app;
grant insert, update on
    artery_erp.customer, artery_erp.sales_shipment, artery_erp.sales_shipment_line,
    artery_erp.settlement, artery_erp.settlement_line
    to artery_app;
grant delete on artery_erp.sales_shipment_line, artery_erp.settlement_line to artery_app;
