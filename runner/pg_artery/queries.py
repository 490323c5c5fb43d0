"""What the commands for people ask the database: functions, and views made for reading.

Apart from `db`, whose calls are the daemon's, and which knows functions alone.
"""

OVERVIEW = "select m.* from artery_monitor.integration_monitor as m order by m.topic"
INBOXES = "select i.* from artery_monitor.inbox_status as i order by i.table_name"
RUNNERS = (
    "select r.* from artery_monitor.runner_status as r order by r.stopped_at nulls first, r.id"
)
SWEEPS = "select s.* from artery_monitor.sweep_status as s order by s.name"
ATTENTION = "select a.* from artery_monitor.attention() as a"
DOCTOR = "select d.* from artery_monitor.doctor() as d"
VERIFY = "select v.* from artery_monitor.verify() as v"
EXTENSION = (
    "select e.extversion as version from pg_catalog.pg_extension as e where e.extname = 'pg_artery'"
)
CLOCK = "select clock_timestamp() as at"
AGO = "select clock_timestamp() - %s::interval as at"
FIND_TASKS = "select t.* from artery_monitor.find_tasks(%s::jsonb, %s) as t"
COUNT_TASKS = "select count(*) as tasks from artery_monitor.find_tasks(%s::jsonb, %s) as t"
TASK_TIMELINE = "select t.* from artery_monitor.task_timeline(%s) as t"
TASK_RETRY = "select artery.retry_task(%s, %s)"
TASKS_RETRY = "select artery.retry_tasks(%s::jsonb, %s) as tasks"
TASK_CANCEL = "select artery.cancel_task(%s, %s)"
TASK_HOLD = "select artery.hold_task(%s, %s)"
TASKS_HOLD = "select artery.hold_tasks(%s::jsonb, %s) as tasks"
TASK_RELEASE = "select artery.release_task(%s, %s)"
TASKS_RELEASE = "select artery.release_tasks(%s::jsonb, %s) as tasks"
TASK_RESOLVE = "select artery.resolve_task(%s, %s, %s, %s::jsonb)"
FIND_MESSAGES = "select m.* from artery_monitor.find_messages(%s, %s, %s) as m"
REPROCESS = "select artery_staging.reprocess(%s, %s, %s) as messages"
CORRECT = "select artery_staging.correct(%s, %s, %s, %s, %s)"
REJECT_REASONS = """
    select r.* from artery_monitor.reject_reasons as r order by r.table_name, r.messages desc"""
SAGAS_WAITING = "select s.* from artery.saga_attention as s order by s.since"
SAGAS_NEWEST = "select s.* from artery_monitor.saga_status as s order by s.saga_id desc limit %s"
SAGA_STEPS = (
    "select s.* from artery_monitor.saga_steps as s where s.saga_id = %s order by s.position"
)
SAGA_HISTORY = "select h.* from artery.saga_history as h where h.saga_id = %s"
SAGA_RESUME = "select artery.resume_saga(%s, %s)"
SAGA_COMPENSATE = "select artery.compensate_saga(%s, %s)"
SAGA_RESOLVE = "select artery.resolve_saga_step(%s, %s, %s, %s)"
RIGHTS = """
    select
        has_function_privilege('artery.retry_task(bigint, text)', 'execute') as operate,
        has_function_privilege('artery.open_breaker(text, text)', 'execute') as breaker,
        current_user as role"""
PULSE = "select p.* from artery_monitor.pulse() as p (pulse)"
TREND = "select t.* from artery_monitor.call_trend() as t"
TASK = "select t.* from artery_monitor.task(%s) as t"
TASK_CALLS = """
    select l.* from artery.cloud_log as l where l.task_id = %s order by l.called_at, l.attempt"""
ENDPOINTS = "select e.* from artery_monitor.endpoint_status as e order by e.endpoint"
MESSAGE = "select m.* from artery_monitor.message(%s, %s) as m"
LAST_CALLS = "select c.* from artery_monitor.last_calls(%s) as c"
BREAKER_EVENTS = "select b.* from artery_monitor.breaker_events(%s) as b"
ENDPOINT_ADD = "select s.* from artery.add_endpoint(%s, %s, %s::jsonb) as s"
ENDPOINT_SET = "select s.* from artery.set_endpoint(%s, %s::jsonb) as s"
ENDPOINT_SETTINGS = "select s.* from artery_monitor.endpoint_settings(%s) as s"
ENDPOINT_STATUS = "select e.* from artery_monitor.endpoint_status as e where e.endpoint = %s"
ROUTES = "select r.* from artery.list_routes() as r"
ROUTE_ADD = "select s.* from artery.add_route(%s, %s, %s, %s::jsonb) as s"
ROUTE_SET = "select s.* from artery.set_route(%s, %s::jsonb) as s"
ROUTE_SETTINGS = "select s.* from artery_monitor.route_settings(%s) as s"
ARMING = "select s.* from artery.arming_status() as s"
ARM = "select artery.arm(%s, %s, %s) as bound"
DISARM = "select artery.disarm(%s)"
FIND_CALLS = "select c.* from artery_monitor.find_calls(%s::jsonb, %s) as c"
BREAKER_OPEN = "select artery.open_breaker(%s, %s) as moved"
BREAKER_CLOSE = "select artery.close_breaker(%s, %s) as moved"
MO = """
    select mo.mo_no, mo.item_code, mo.status, mo.quantity, mo.unit, mo.good, mo.scrap, mo.rework,
        mo.overproduction_rate, mo.released_at, mo.started_at, mo.completed_at
    from artery_erp.manufacturing_order as mo where mo.mo_no = %s
"""
MO_LINES = "select l.* from artery_erp.mo_lines(%s) as l"
MO_REPORTS = """
    select r.report_id, r.kind, r.operation_no, r.good, r.scrap, r.rework, r.lot_no, r.reported_at,
        exists (select from artery_mes.production_report as x where x.reverses = r.id) as reversed
    from artery_mes.production_report as r where r.mo_no = %s order by r.id desc limit %s
"""
MO_WAITING = """
    select s.message_id as report_id, s.status, s.received_at, s.reasons -> 0 ->> 'code' as code,
        s.reasons -> 0 ->> 'message' as message
    from artery_staging.mes_production_report as s
    where s.status <> 'processed' and s.body ->> 'mo_no' = %s order by s.id desc limit %s
"""
STOCK = "select h.* from artery_erp.stock_on_hand(coalesce(%s, clock_timestamp()), %s) as h"
SHORTAGES = """
    select q.item_code, q.warehouse_code, q.missing, q.reports, q.since
    from artery_mes.shortage_queue as q order by q.since
"""
STOCK_CHECK = "select r.* from artery_erp.stock_reconciliation as r"
INVOICES = """
    select i.order_no, i.kind, i.source_id, i.buyer_name as buyer, i.currency, i.total, i.status,
        i.invoice_no, i.requested_at, i.issued_at, i.task_status, nullif(i.alarms, 0) as alarms,
        i.reason as error
    from artery_tax.invoice_status as i
    where coalesce(i.status = %(status)s, true)
    order by i.order_no desc limit %(limit)s
"""
INVOICE = """
    select i.* from artery_tax.invoice_status as i
    where i.order_no = %(no)s or i.invoice_no = %(no)s or i.source_id = %(no)s
    order by i.order_no
"""
INVOICE_LINES = """
    select l.line_no, l.kind, l.name, l.tax_class_code, l.quantity, l.unit, l.price, l.tax_included,
        l.amount, l.rate, l.tax, l.policy
    from artery_erp.ar_invoice_line as l where l.order_no = %s order by l.line_no
"""
INVOICE_EVENTS = """
    select e.at, e.who, e.event, e.invoice_no, e.detail
    from artery_tax.invoice_event as e where e.order_no = %s order by e.id
"""
INVOICE_ALARMS = """
    select a.id, d.field, d.asked, d.answered, a.raised_at, a.accepted, a.decided_by,
        a.reason as note
    from artery_tax.invoice_alarm as a
    cross join jsonb_to_recordset(a.differences) as d (field text, asked text, answered text)
    where a.order_no = %s order by a.id
"""
ADOPT = "select artery_erp.adopt(%s, %s)"
ADOPTION_CHECK = "select c.* from artery_monitor.check_adoption() as c"
ADOPTION_SKELETON = "select artery_monitor.adoption_skeleton() as skeleton"
ARCHIVES = "select a.* from artery.list_archives(%s) as a"
ARCHIVE_STATUS = "select s.* from artery_monitor.archive_status as s order by s.parent"
ARCHIVE_LOCK = "select pg_try_advisory_lock(hashtextextended('artery.archive', 0)) as mine"
BEGIN_ARCHIVE = "select b.id, b.statement from artery.begin_archive(%s) as b"
SEAL = "select s.* from artery.seal_partition(%s) as s"
FINISH_ARCHIVE = "select artery.finish_archive(%s, %s::jsonb, %s)"
DROP_ARCHIVED = "select artery.drop_archived(%s) as dropped"
SCRATCH_IN = "copy pg_temp.artery_scratch from stdin (format csv, encoding 'UTF8')"
SCRATCH_DIGEST = "select d.* from artery.rows_digest('pg_temp.artery_scratch') as d"
SCRATCH_EMPTY = "truncate pg_temp.artery_scratch"
SCRATCH_DROP = "drop table if exists pg_temp.artery_scratch"
SCRATCH_LIKE = "select artery.restore_table('pg_temp.artery_scratch', %s::jsonb)"
RESTORE_TABLE = "select artery.restore_table(%s, %s::jsonb) as name"
DIGEST = "select d.* from artery.rows_digest(%s::regclass) as d"
SET_SETTING = "select set_config(%s, %s, false)"
SETTING_NAMES = "select array_agg(s.name) as names from pg_catalog.pg_settings as s"
THIS_DATABASE = """
    select c.system_identifier::text as system, current_database()::text as name,
        current_setting('server_version') as server_version
    from pg_catalog.pg_control_system() as c"""
