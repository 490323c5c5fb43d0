set local role artery_owner;

insert into artery_erp.document_transition (document_type, from_status, to_status) values
('purchase_order', 'new', 'draft'),
('purchase_order', 'new', 'approved'),
('purchase_order', 'new', 'closed'),
('purchase_order', 'draft', 'approved'),
('purchase_order', 'draft', 'cancelled'),
('purchase_order', 'approved', 'cancelled'),
('purchase_order', 'approved', 'closed'),
('purchase_order', 'closed', 'approved');

alter table artery_erp.purchase_order
add column version integer not null default 0,
add column untold boolean not null default false,
-- squawk-ignore adding-foreign-key-constraint
add column warehouse_code text collate "C" references artery_erp.warehouse (code),
add column note text,
add column approved_at timestamptz,
add column closed_at timestamptz,
add column cancelled_at timestamptz;
-- squawk-ignore require-concurrent-index-creation
create index purchase_order_warehouse_code_idx on artery_erp.purchase_order (warehouse_code);
comment on column artery_erp.purchase_order.version is
'Rises by one with each transaction that the supplier has to hear of, from 1 at approval; never set by hand';
comment on column artery_erp.purchase_order.untold is
'There is something new for the supplier: told at the commit, as the next version';
comment on column artery_erp.purchase_order.warehouse_code is 'Where it is to be delivered';
comment on column artery_erp.purchase_order.note is 'Goes to the supplier';

alter table artery_erp.purchase_order_line
add column over_delivery_rate numeric not null default 0
constraint purchase_order_line_over_delivery_rate_check check (
    over_delivery_rate >= 0 and over_delivery_rate < 100
);
comment on column artery_erp.purchase_order_line.over_delivery_rate is
'0.05 = up to 5 % more than ordered is taken';

-- what triggers and functions keep (version, times) is out of the application's reach
revoke insert, update on artery_erp.purchase_order, artery_erp.purchase_order_line from artery_app;
grant insert (supplier_code, po_no, status, currency, ordered_at, warehouse_code, note)
on artery_erp.purchase_order to artery_app;
grant update (status, currency, ordered_at, warehouse_code, note)
on artery_erp.purchase_order to artery_app;
grant insert (
    supplier_code, po_no, line_no, item_code, quantity, unit, unit_price, due_at, received_quantity,
    over_delivery_rate
) on artery_erp.purchase_order_line to artery_app;
grant update (
    item_code, quantity, unit, unit_price, due_at, received_quantity, over_delivery_rate
) on artery_erp.purchase_order_line to artery_app;
grant delete on artery_erp.purchase_order_line to artery_app;
grant usage on schema artery_procurement to artery_app;

create table artery_procurement.po_dispatch (
    supplier_code text collate "C" not null,
    po_no text collate "C" not null,
    version integer not null,
    action text not null,
    status text not null,
    task_id bigint,
    request_id uuid,
    cloud_order_no text,
    reason text,
    created_at timestamptz not null default clock_timestamp(),
    answered_at timestamptz,
    primary key (supplier_code, po_no, version),
    constraint po_dispatch_task_id_key unique (task_id),
    constraint po_dispatch_order_fkey foreign key (supplier_code, po_no)
    references artery_erp.purchase_order (supplier_code, po_no),
    constraint po_dispatch_action_check check (action in ('approve', 'change', 'cancel')),
    constraint po_dispatch_status_check check (status in (
        'unrouted', 'queued', 'sent', 'acknowledged', 'refused', 'undelivered', 'superseded'
    )),
    constraint po_dispatch_task_check check ((status = 'unrouted') = (task_id is null))
);
comment on table artery_procurement.po_dispatch is
'What the supplier cloud was told of a purchase order, a version a row, and how it took it';
comment on column artery_procurement.po_dispatch.status is
'unrouted = no cloud is set up; queued = in the outbox; sent = taken without a verdict; acknowledged; '
'refused; undelivered = given up; superseded = never delivered, and a later version tells it all';
comment on column artery_procurement.po_dispatch.task_id is
'Its task in artery.integration_task; no foreign key, as tasks are archived and this stays';

create table artery_procurement.po_reply (
    supplier_code text collate "C" not null,
    reply_no text collate "C" not null,
    po_no text collate "C" not null,
    version integer not null,
    reply text not null,
    reason text,
    replied_at timestamptz not null,
    status text not null default 'open',
    received_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    decided_by text,
    note text,
    primary key (supplier_code, reply_no),
    constraint po_reply_order_fkey foreign key (supplier_code, po_no)
    references artery_erp.purchase_order (supplier_code, po_no),
    constraint po_reply_reply_check check (reply in ('confirmed', 'refused', 'counter')),
    constraint po_reply_status_check check (status in (
        'open', 'confirmed', 'accepted', 'rejected', 'superseded', 'stale'
    ))
);
create index po_reply_order_idx
on artery_procurement.po_reply (supplier_code, po_no, version, replied_at);
create index po_reply_open_idx on artery_procurement.po_reply (received_at) where status = 'open';
comment on table artery_procurement.po_reply is
'What suppliers answered to their orders: confirmed, refused, or a counter-proposal';
comment on column artery_procurement.po_reply.reply_no is 'The supplier''s message_id';
comment on column artery_procurement.po_reply.version is 'Of the order, to which it is the answer';
comment on column artery_procurement.po_reply.replied_at is
'By the supplier: of several replies to a version the latest counts, whatever the order they come in';
comment on column artery_procurement.po_reply.status is
'open = the buyer has to decide; confirmed; accepted or rejected by the buyer; superseded by a later reply; '
'stale = the order has gone on to another version';

create table artery_procurement.po_reply_line (
    supplier_code text collate "C" not null,
    reply_no text collate "C" not null,
    line_no integer not null,
    quantity numeric,
    unit_price numeric,
    due_at timestamptz,
    reason text,
    primary key (supplier_code, reply_no, line_no),
    constraint po_reply_line_reply_fkey foreign key (supplier_code, reply_no)
    references artery_procurement.po_reply (supplier_code, reply_no) on delete cascade,
    constraint po_reply_line_quantity_check check (quantity > 0 and quantity < 1e15),
    constraint po_reply_line_unit_price_check check (unit_price >= 0 and unit_price < 1e15)
);
comment on table artery_procurement.po_reply_line is
'Lines of a counter-proposal: what is null stays as ordered';

grant select on
artery_procurement.po_dispatch, artery_procurement.po_reply, artery_procurement.po_reply_line
to artery_reader, artery_app;

create table artery_staging.supplier_po_reply (
    id bigint generated always as identity primary key,
    source text collate "C" not null default session_user,
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
    constraint supplier_po_reply_message_key unique (source, message_id, body_hash),
    constraint supplier_po_reply_message_id_check check (length(message_id) between 1 and 200),
    constraint supplier_po_reply_body_check check (octet_length(body::text) <= 1048576),
    constraint supplier_po_reply_status_check check (
        status in ('new', 'processed', 'rejected', 'parked')
    )
);
create unique index supplier_po_reply_accepted_key
on artery_staging.supplier_po_reply (source, message_id)
where status in ('processed', 'parked');
create index supplier_po_reply_due_idx on artery_staging.supplier_po_reply (due_at, id)
where status in ('new', 'parked');
create index supplier_po_reply_rejected_idx on artery_staging.supplier_po_reply (id)
where status = 'rejected';
comment on table artery_staging.supplier_po_reply is
'Suppliers'' replies to purchase orders, as they came; source = the supplier''s code';
grant select on artery_staging.supplier_po_reply to artery_reader, artery_app;

insert into artery_staging.message_schema (message_type, version, schema) values
('supplier_po_reply', 1, $schema$
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "A supplier's reply to a version of a purchase order",
  "type": "object",
  "properties": {
    "supplier": {"type": "string", "minLength": 1, "maxLength": 32},
    "message_id": {"type": "string", "minLength": 1, "maxLength": 200},
    "schema_version": {"const": 1},
    "po_no": {"type": "string", "minLength": 1, "maxLength": 64},
    "version": {"type": "integer", "minimum": 1, "maximum": 1000000000},
    "reply": {"enum": ["confirmed", "refused", "counter"]},
    "reason": {"type": ["string", "null"], "maxLength": 1000},
    "replied_at": {"type": "string", "maxLength": 40},
    "lines": {"type": "array", "maxItems": 10000, "items": {
      "type": "object",
      "properties": {
        "line_no": {"type": "integer", "minimum": 1, "maximum": 1000000000},
        "quantity": {"$ref": "#/$defs/number"},
        "unit_price": {"$ref": "#/$defs/number"},
        "due_at": {"type": ["string", "null"], "maxLength": 40},
        "reason": {"type": ["string", "null"], "maxLength": 1000}
      },
      "required": ["line_no"],
      "additionalProperties": false
    }}
  },
  "required": ["po_no", "version", "reply", "replied_at"],
  "additionalProperties": false,
  "if": {"properties": {"reply": {"const": "counter"}}},
  "then": {"required": ["lines"], "properties": {"lines": {"minItems": 1}}},
  "$defs": {"number": {"type": ["number", "string", "null"]}}
}
$schema$);
