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
