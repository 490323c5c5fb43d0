-- Statements of the acts in which shipments become invoices: see queries.sql for the rest.

-- name: tax_gateway
select artery_tax.setup_gateway(%(url)s) as endpoint;

-- name: tax_breaker
update artery.endpoint
set breaker_open_for = make_interval(secs => %(open_for)s)
where name = 'tax'
returning name;

-- name: tax_data
with customer as (
    insert into artery_erp.customer (code, name, tax_no, address)
    values ('RIVER', 'Riverside Waterworks', '91310000MA1K35J7XQ', '8 Quay Road, Shanghai')
),

merchant as (
    insert into artery_tax.merchant (code, name, tax_no, address, drawer, is_default)
    values ('CP', 'Centrifugal Pumps Ltd', '91320000608965214B', '12 Foundry Lane, Nanjing', 'Li', true)
)

insert into artery_tax.item_profile (item_code, tax_class_code, spec, rate)
values
('CP40', '1090119010000000000', '1.5 kW', 0.13),
('SEAL-MG1', '1090119990000000000', '28 mm', 0.13)
returning item_code;

-- name: new_shipment
insert into artery_erp.sales_shipment (shipment_no, customer_code)
values (%(shipment)s, 'RIVER')
returning shipment_no;

-- name: new_shipment_lines
insert into artery_erp.sales_shipment_line (
    shipment_no, line_no, item_code, quantity, unit, unit_price, discount
)
select
    %(shipment)s,
    10 * l.no,
    l.value ->> 0,
    (l.value ->> 1)::numeric,
    'PC',
    (l.value ->> 2)::numeric,
    coalesce((l.value ->> 3)::numeric, 0)
from jsonb_array_elements(%(lines)s::jsonb) with ordinality as l (value, no)
returning line_no;

-- name: post_shipment
select
    artery_api_v1.post_shipment(jsonb_build_object('shipment_no', %(shipment)s::text)) as answer,
    pg_current_xact_id()::xid::text as xid;

-- name: invoices
select
    v.source_id as shipment,
    v.order_no,
    v.status,
    coalesce(v.invoice_no, '') as invoice_no,
    v.amount::text as amount,
    v.tax::text as tax,
    v.total::text as total,
    v.request_id::text as request_id,
    extract(epoch from v.answered_at)::float8 as answered,
    t.status as task,
    t.attempt as attempts,
    t.error_class
from artery_erp.ar_invoice as v
left join artery.integration_task as t on t.id = v.task_id
where v.source_id = any(%(shipments)s)
order by v.order_no;

-- name: invoice_files
select f.kind, f.status, f.attachment_id, f.bytes, left(f.sha256, 16) || '…' as sha256
from artery_tax.invoice_files(%(order_no)s) as f;

-- name: invoice_calls
select
    count(*) filter (where not l.status_query)::integer as requests,
    count(*) filter (where l.status_query)::integer as questions
from artery.cloud_log as l
inner join artery.integration_task as t on t.id = l.task_id
where t.topic = 'tax.invoice.issue' and t.document_id = any(%(orders)s);

-- name: take_back
select artery_api_v1.red_letter(jsonb_build_object(
    'order_no', %(order_no)s::text, 'reason', '02', 'message_id', 'RETURN-1',
    'lines', jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', 1))
)) as answer;

-- name: red_invoice
select v.status, v.invoice_no, v.total::text as total, r.confirmation_no, b.status as blue
from artery_erp.ar_invoice as v
inner join artery_tax.red_letter as r on r.order_no = v.order_no
inner join artery_erp.ar_invoice as b on b.order_no = v.original_order_no
where v.order_no = %(order_no)s;

-- name: red_left
select
    l.line_no,
    l.name,
    trim_scale(l.issued_quantity)::text as issued,
    trim_scale(l.quantity)::text as left,
    l.amount::text as amount_left,
    l.tax::text as tax_left
from artery_tax.red_left(%(order_no)s) as l;

-- name: invoice_history
select
    to_char(e.at, 'HH24:MI:SS.MS') as at,
    e.order_no,
    e.event,
    coalesce(e.invoice_no, e.detail ->> 'confirmation_no', '') as number
from artery_tax.invoice_event as e
where e.order_no = any(%(orders)s) and e.event not like 'file%%'
order by e.id;

-- name: all_invoices
select v.order_no, v.kind, v.source_id as source, v.invoice_no
from artery_erp.ar_invoice as v;
