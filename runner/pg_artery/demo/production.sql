-- Statements of the act in which the shop floor reports: see queries.sql for the rest.

-- name: receive_material
select artery_erp.post_stock('receipt', 'goods receipt', 'GR-1', %(moves)s);

-- name: stock
select
    b.item_code,
    b.warehouse_code,
    nullif(b.lot_no, '') as lot_no,
    trim_scale(b.quantity)::text as quantity
from artery_erp.stock_balance as b
where b.item_code = any(%(items)s::text[])
order by array_position(%(items)s::text[], b.item_code), b.warehouse_code, b.lot_no;

-- name: report_inbox
select
    p.message_id as report,
    p.body ->> 'mo_no' as mo_no,
    p.body ->> 'good' as good,
    coalesce(p.body ->> 'scrap', '0') as scrap,
    p.body ->> 'lot' as lot,
    p.status,
    coalesce(p.reasons -> 0 ->> 'message', '') as reason
from artery_staging.mes_production_report as p
where p.message_id = any(%(reports)s::text[])
order by p.id;

-- name: shortages
select
    q.item_code,
    q.warehouse_code,
    trim_scale(q.missing)::text as missing,
    q.reports
from artery_mes.shortage_queue as q;

-- name: progress
select
    mo.mo_no,
    mo.item_code,
    mo.status,
    trim_scale(mo.quantity)::text as ordered,
    trim_scale(mo.good)::text as good,
    trim_scale(mo.scrap)::text as scrap
from artery_erp.manufacturing_order as mo
where mo.mo_no = any(%(orders)s::text[])
order by mo.mo_no;

-- name: reverse_report
select artery_api_v1.reverse_production_report(%(request)s) as answer;

-- name: went_into
select
    t.level,
    t.item_code,
    t.lot_no,
    t.mo_no
from artery_mes.trace_lot(%(item)s, %(lot)s, 'back') as t;

-- name: hour
select date_trunc('hour', now()) as now;

-- name: machine
with press as (
    insert into artery_erp.equipment (code, name, ideal_cycle, in_service)
    values ('PRESS-4', 'Stamping press 4', 4, %(since)s)
),

reason as (
    insert into artery_erp.downtime_reason (code, name, kind)
    values ('JAM', 'Jam in the feeder', 'unplanned')
),

device as (
    insert into artery_iot.device (code, equipment_code, heartbeat_timeout, counter_modulus)
    values ('plc-press-4', 'PRESS-4', interval '2 minutes', 65536)
)

select 'PRESS-4' as equipment_code;

-- name: oee
select
    to_char(o.availability, '0.000') as availability,
    to_char(o.effectiveness, '0.000') as effectiveness,
    to_char(o.quality, '0.000') as quality,
    to_char(o.oee, '0.000') as oee,
    o.good,
    o.reject,
    make_interval(secs => o.down::float8) as down,
    make_interval(secs => o.unknown::float8) as unknown
from artery_iot.equipment_oee(%(since)s, %(until)s, '{PRESS-4}', 'total') as o;

-- name: reconciliation
select r.*
from artery_erp.stock_reconciliation as r;

-- name: violations
select v.*
from artery_monitor.verify() as v;
