set local role artery_owner;

insert into artery_erp.document_transition (document_type, from_status, to_status) values
('asn_document', 'new', 'in_transit'),
('asn_document', 'new', 'cancelled'),
('asn_document', 'in_transit', 'received'),
('asn_document', 'in_transit', 'cancelled'),
('asn_document', 'cancelled', 'in_transit');

alter table artery_erp.asn_document
add column revision integer not null default 1
constraint asn_document_revision_check check (revision > 0),
add column content_hash bigint,
add column detail jsonb not null default '{}',
add column received_at timestamptz;
comment on column artery_erp.asn_document.revision is
'Of several revisions of a notice the highest counts, whatever the order they come in';
comment on column artery_erp.asn_document.content_hash is
'Of all that the notice says: the same revision with another one is a conflict';
comment on column artery_erp.asn_document.detail is
'For the search: {"supplier", "lines": [{"item", "lot", "sscc", "serials", "po_no"}]}';
comment on column artery_erp.asn_document.received_at is 'When it had come, and the receipt was final';

/* Searched by artery_procurement.find_asn. The supplier stands in the document as well, so that one
   index answers for a supplier alone. No pending list: a search would have to read all of it. */
-- squawk-ignore require-concurrent-index-creation
create index asn_document_detail_idx on artery_erp.asn_document
using gin (detail jsonb_path_ops) with (fastupdate = off);

alter table artery_erp.asn_line
add column serials text[],
add column received_quantity numeric not null default 0
constraint asn_line_received_quantity_check check (
    received_quantity >= 0 and received_quantity < 1e15
),
add column excess_quantity numeric not null default 0
constraint asn_line_excess_quantity_check check (
    excess_quantity >= 0 and excess_quantity < 1e15
);
comment on column artery_erp.asn_line.received_quantity is 'Booked in so far, in the line''s unit';
comment on column artery_erp.asn_line.excess_quantity is
'Of the quantity what the order with its tolerance does not allow: later shipments are in excess before earlier ones';

alter table artery_erp.purchase_order_line
add column notified_quantity numeric not null default 0,
add column outstanding_quantity numeric,
add column outstanding_reason text,
add column short_quantity numeric not null default 0
constraint purchase_order_line_short_quantity_check check (
    short_quantity >= 0 and short_quantity < 1e15
);
comment on column artery_erp.purchase_order_line.notified_quantity is
'Shipped by what shipping notices say, or by what came of them; in the line''s unit';
comment on column artery_erp.purchase_order_line.outstanding_quantity is
'Still to come by the notice shipped last; null = the supplier has not said';
comment on column artery_erp.purchase_order_line.short_quantity is
'Ordered, neither shipped nor outstanding: will never come';

create table artery_staging.supplier_asn (
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
    constraint supplier_asn_message_key unique (source, message_id, body_hash),
    constraint supplier_asn_message_id_check check (length(message_id) between 1 and 200),
    constraint supplier_asn_body_check check (octet_length(body::text) <= 16777216),
    constraint supplier_asn_status_check check (
        status in ('new', 'processed', 'rejected', 'parked')
    )
);
create unique index supplier_asn_accepted_key on artery_staging.supplier_asn (source, message_id)
where status in ('processed', 'parked');
create index supplier_asn_due_idx on artery_staging.supplier_asn (due_at, id)
where status in ('new', 'parked');
create index supplier_asn_rejected_idx on artery_staging.supplier_asn (id)
where status = 'rejected';
comment on table artery_staging.supplier_asn is
'Suppliers'' shipping notices, as they came; source = the supplier''s code';
grant select on artery_staging.supplier_asn to artery_reader, artery_app;

-- what the messages and the receipt decide is out of the application's reach
revoke insert, update on artery_erp.asn_document, artery_erp.asn_line from artery_app;

insert into artery_staging.message_schema (message_type, version, schema) values
('supplier_asn', 1, $schema$
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "An advance shipping notice, a revision of one, or its cancellation",
  "type": "object",
  "properties": {
    "supplier": {"type": "string", "minLength": 1, "maxLength": 32},
    "message_id": {"type": "string", "minLength": 1, "maxLength": 200},
    "schema_version": {"const": 1},
    "asn_no": {"type": "string", "minLength": 1, "maxLength": 64},
    "revision": {"type": "integer", "minimum": 1, "maximum": 1000000000},
    "status": {"enum": ["in_transit", "cancelled"]},
    "shipped_at": {"type": "string", "maxLength": 40},
    "expected_at": {"type": ["string", "null"], "maxLength": 40},
    "carrier": {"type": ["string", "null"], "maxLength": 200},
    "tracking_no": {"type": ["string", "null"], "maxLength": 200},
    "lines": {"type": "array", "minItems": 1, "maxItems": 10000, "items": {"$ref": "#/$defs/line"}}
  },
  "required": ["asn_no", "shipped_at"],
  "additionalProperties": false,
  "if": {"properties": {"status": {"const": "cancelled"}}, "required": ["status"]},
  "then": {"properties": {"lines": false}},
  "else": {"required": ["lines"]},
  "$defs": {
    "code": {"type": "string", "minLength": 1, "maxLength": 200},
    "text": {"type": ["string", "null"], "maxLength": 1000},
    "line": {
      "type": "object",
      "properties": {
        "line_no": {"type": "integer", "minimum": 1, "maximum": 1000000000},
        "po_no": {"$ref": "#/$defs/code"},
        "po_line_no": {"type": "integer", "minimum": 1, "maximum": 1000000000},
        "item": {"$ref": "#/$defs/code"},
        "quantity": {"type": ["number", "string"]},
        "unit": {"$ref": "#/$defs/text"},
        "lot": {"$ref": "#/$defs/text"},
        "serials": {"type": ["array", "null"], "maxItems": 10000, "uniqueItems": true, "items": {"$ref": "#/$defs/code"}},
        "sscc": {"type": ["string", "null"], "pattern": "^[0-9]{18}$"},
        "best_before": {"type": ["string", "null"], "maxLength": 10},
        "outstanding_quantity": {"type": ["number", "string", "null"]},
        "outstanding_reason": {"$ref": "#/$defs/text"}
      },
      "required": ["line_no", "po_no", "po_line_no", "item", "quantity"],
      "additionalProperties": false
    }
  }
}
$schema$);
