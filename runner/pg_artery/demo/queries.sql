-- What a person would type in psql to follow the demo: a statement each, under its name.

-- name: release
select
    artery_api_v1.release_mo(jsonb_build_object('mo_no', %(mo_no)s::text)) as answer,
    pg_current_xact_id()::xid::text as xid;

-- name: change_quantity
update artery_erp.manufacturing_order
set quantity = %(quantity)s
where mo_no = %(mo_no)s
returning version, pg_current_xact_id()::xid::text as xid;

-- name: cancel
update artery_erp.manufacturing_order
set status = 'cancelled'
where mo_no = %(mo_no)s
returning version, pg_current_xact_id()::xid::text as xid;

-- name: committed_at
select extract(epoch from pg_xact_commit_timestamp(%(xid)s::xid))::float8 as at;

-- name: product
select
    e.level,
    e.component_code,
    i.name,
    e.required,
    e.unit,
    e.phantom
from artery_erp.bom_explosion('CP40', 100) as e
inner join artery_erp.item as i on i.code = e.component_code
order by e.line_path;

-- name: revisions
select
    b.revision,
    string_agg(l.component_code, ', ' order by l.line_no) as components,
    coalesce(to_char(lower(b.effectivity), 'YYYY-MM-DD'), '') as valid_from,
    coalesce(to_char(upper(b.effectivity), 'YYYY-MM-DD'), '') as valid_until
from artery_erp.bom as b
inner join artery_erp.bom_line as l on l.bom_id = b.id
where b.item_code = 'CP40'
group by b.id
order by b.revision;

-- name: tasks
select
    t.id,
    t.document_id as mo_no,
    t.status,
    t.attempt as attempts,
    t.request_id::text,
    extract(epoch from t.due_at - clock_timestamp())::float8 as due_in,
    t.error_class,
    coalesce(t.error ->> 'message', t.error ->> 'kind') as error
from artery.integration_task as t
where t.document_id = any(%(orders)s)
order by t.id;

-- name: audit
-- The audit trail that the BEFORE UPDATE trigger keeps of one task
select
    (h.entry ->> 'attempt')::integer as attempt,
    (h.entry ->> 'status') as became,
    h.entry ->> 'error_class' as error_class,
    to_char((h.entry ->> 'at')::timestamptz, 'HH24:MI:SS.MS') as at,
    (h.entry ->> 'duration_ms')::float8 as duration_ms
from artery.integration_task as t
cross join lateral jsonb_array_elements(t.history) with ordinality as h (entry, position)
where t.document_id = %(mo_no)s
order by h.position;

-- name: breaker
select
    to_char(b.at, 'HH24:MI:SS.MS') as at,
    b.from_state || ' → ' || b.to_state as breaker,
    b.reason
from artery.breaker_event as b
order by b.at;

-- name: set_breaker
update artery.endpoint
set
    breaker_min_calls = %(min_calls)s,
    breaker_open_for = make_interval(secs => %(open_for)s)
where name = 'mes'
returning name;

-- name: dispatch_status
select
    s.mo_no,
    s.item_code,
    trim_scale(s.quantity)::text as quantity,
    s.status,
    s.version,
    s.action,
    s.mes_status,
    s.acknowledged_version,
    s.mes_order_no,
    s.reason,
    s.task_status,
    s.attempts
from artery_mes.mo_dispatch_status as s
where s.version > 0 and (%(orders)s::text[] is null or s.mo_no = any(%(orders)s::text[]))
order by s.mo_no;

-- name: payload
select t.body::jsonb as body
from artery.integration_task as t
where t.document_id = %(mo_no)s
order by t.id desc
limit 1;

-- name: ledger_versions
select
    mo.mo_no,
    mo.version,
    trim_scale(mo.quantity)::text as quantity,
    mo.status
from artery_erp.manufacturing_order as mo
where mo.version > 0
order by mo.mo_no;

-- name: ledger_tasks
select
    t.request_id::text,
    t.document_id as mo_no,
    (t.body::jsonb ->> 'version')::integer as version,
    t.status,
    t.attempt as attempts,
    encode(sha256(convert_to(t.body, 'UTF8')), 'hex') as sha256
from artery.integration_task as t
where t.topic like 'mes.mo.%%'
order by t.id;

-- name: ledger_dispatches
select
    d.mo_no,
    d.version,
    d.status,
    d.request_id::text,
    d.mes_order_no
from artery_mes.mo_dispatch as d
order by d.mo_no, d.version;

-- name: ledger_calls
select
    l.request_id::text,
    count(*)::integer as calls,
    count(*) filter (where l.outcome = 'sent' and not l.stale)::integer as sent
from artery.cloud_log as l
inner join artery.integration_task as t on t.id = l.task_id
where t.topic like 'mes.mo.%%'
group by l.request_id;

-- name: runners
select
    r.id,
    r.name
from artery.runner as r
where r.stopped_at is null and r.asleep;

-- name: supplier_cloud
select artery_procurement.setup_supplier_cloud(%(url)s) as endpoint;

-- name: new_supplier
insert into artery_erp.supplier (code, name)
values (%(supplier)s, initcap(%(supplier)s) || ' Ltd')
returning code;

-- name: new_po
with o as (
    insert into artery_erp.purchase_order (supplier_code, po_no, warehouse_code)
    values (%(supplier)s, %(po_no)s, 'RAW')
    returning supplier_code, po_no
)
insert into artery_erp.purchase_order_line (
    supplier_code, po_no, line_no, item_code, quantity, unit, due_at
)
select
    o.supplier_code,
    o.po_no,
    (l.value ->> 0)::integer,
    l.value ->> 1,
    (l.value ->> 2)::numeric,
    'PC',
    %(due_at)s
from o
cross join jsonb_array_elements(%(lines)s::jsonb) as l
returning po_no;

-- name: approve_po
update artery_erp.purchase_order
set status = 'approved'
where po_no = %(po_no)s
returning pg_current_xact_id()::xid::text as xid;

-- name: po_acknowledged
select count(*)::integer as n
from artery_procurement.po_dispatch as d
where d.status = 'acknowledged';

-- name: accept_reply
select artery_procurement.decide_po_reply(%(supplier)s, %(reply_no)s, true, 'agreed') as version;

-- name: po_status
select s.po_no, s.version, s.action, s.cloud_status, s.reply, s.reply_status, s.reply_reason
from artery_procurement.po_status as s
order by s.po_no;

-- name: po_lines
select
    s.po_no,
    s.line_no as line,
    s.item_code,
    trim_scale(s.ordered)::text as ordered,
    trim_scale(s.shipped)::text as shipped,
    coalesce(trim_scale(s.outstanding)::text, '') as outstanding,
    trim_scale(s.short)::text as short,
    trim_scale(s.over_tolerance)::text as over,
    s.progress
from artery_procurement.po_line_status as s
order by s.po_no, s.line_no;

-- name: supply_outlook
select
    s.item_code,
    coalesce(s.date::text, '') as date,
    s.on_hand::text,
    s.in_transit::text,
    s.on_order::text,
    s.expected::text
from artery_erp.supply_outlook as s
where s.item_code = any(%(items)s)
order by s.item_code, s.date;

-- name: seen
select 'artery_erp.purchase_order' as relation, count(*)::integer as rows from artery_erp.purchase_order
union all
select 'artery_erp.purchase_order_line', count(*)::integer from artery_erp.purchase_order_line
union all
select 'artery_erp.asn_document', count(*)::integer from artery_erp.asn_document
union all
select 'artery_erp.asn_line', count(*)::integer from artery_erp.asn_line;

-- name: receive_asn
select artery_procurement.receive_asn(
    %(supplier)s, %(asn_no)s, p_warehouse => %(warehouse)s
) as posting;
