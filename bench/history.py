"""A database with a past: ended tasks, their calls over thirty days, a busy last hour, trouble."""

from __future__ import annotations

import psycopg

DAYS = 30
TOPICS = 20

_ROUTES = f"""
insert into artery.endpoint (name, base_url)
select 'e' || n, 'https://e' || n || '.example/v1' from generate_series(0, 9) as n;
insert into artery.route (topic, endpoint_id, path_template)
select 'topic' || n, e.id, '/orders'
from generate_series(0, {TOPICS - 1}) as n
inner join artery.endpoint as e on e.name = 'e' || n % 10;
select artery._ensure_partition('artery.cloud_log', now() - n * interval '1 day')
from generate_series(0, {DAYS + 1}) as n;
call artery.tick();
"""

# set-based and with triggers off, as a restore would write it; %(hour)s of them in the last hour
_TASKS = """
insert into artery.integration_task (
    request_id, topic, endpoint_id, status, priority, attempt, failures, max_attempts, due_at,
    method, path, content_type, body, request_hash, document_type, document_id,
    created_at, started_at, ended_at, duration, status_code, error_class, error, history
)
select
    gen_random_uuid(), r.topic, r.endpoint_id, x.status, 5, x.attempt, x.failures, 12, x.at,
    'POST', '/orders', 'application/json',
    '{"id": "' || x.n || '", "pad": "' || repeat('x', 200) || '"}', '\\x00',
    'order', 'O-' || x.n %% 1000000, x.at, x.at + interval '1 ms', x.ended_at, interval '40 ms',
    x.status_code, x.error_class, x.error, x.history
from (
    select
        n, 'sent' as status, 1 as attempt, 0 as failures, 200 as status_code,
        null::text as error_class, null::jsonb as error, null::jsonb as history,
        a.at, a.at + interval '40 ms' as ended_at
    from generate_series(1, %(tasks)s) as n
    cross join lateral (
        select case
            when n > %(tasks)s - %(hour)s
                then now() - (%(tasks)s - n) * interval '1 hour' / %(hour)s
            else now() - interval '1 hour'
                - (%(tasks)s - %(hour)s - n) * interval '30 days' / (%(tasks)s - %(hour)s)
        end as at
    ) as a
) as x
inner join artery.route as r on r.topic = 'topic' || x.n %% 20
"""
_CALLS = """
insert into artery.cloud_log (
    called_at, task_id, attempt, span_id, runner_id, topic, endpoint_id, request_id, method, url,
    request_headers, request_body, request_bytes, request_hash, status_code, response_headers,
    response_body, response_bytes, response_hash, outcome, total_ms, first_byte_ms
)
select
    t.created_at, t.id, 1, '0123456789abcdef', 1, t.topic, t.endpoint_id, t.request_id, 'POST',
    'https://e.example/v1/orders', '{"content-type": "application/json"}', t.body, length(t.body),
    '\\x00', 200, '{"content-type": "application/json"}', '{"ok": true}', 12, '\\x00',
    case t.status when 'pending' then 'failed' else t.status end,
    5 + (hashtext(t.id::text) & 1023) / 10.0, 4
from artery.integration_task as t
"""
# the newest ones' ends, otherwise: dead, held, waiting for another attempt, due now
_TROUBLE = """
update artery.integration_task as t
set
    status = x.status, ended_at = case when x.status = 'dead' then t.ended_at end,
    status_code = 422, error_class = 'client_error', failures = 1,
    error = '{"answer": "unknown item <b>X</b>"}',
    due_at = now() + case when x.status = 'failed' then interval '1 hour' else interval '0' end,
    history = jsonb_build_array(jsonb_build_object(
        'attempt', 1, 'at', t.started_at, 'error_class', 'client_error', 'runner_id', 1,
        'status', case x.status when 'pending' then 'failed' else x.status end
    ))
from (
    select
        m.id,
        case
            when m.rank <= 10000 then 'dead' when m.rank <= 10050 then 'held'
            when m.rank <= 11000 then 'failed' else 'pending'
        end as status
    from (
        select i.id, row_number() over (order by i.id desc) as rank
        from artery.integration_task as i order by i.id desc limit 15000
    ) as m
) as x
where t.id = x.id
"""
_MESSAGES = """
insert into artery_staging.plm_bom (message_id, body, status, processed_at, reasons, due_at)
select
    'B-' || n, '{"boms": []}', case when n %% 400 = 0 then 'rejected' else 'processed' end, now(),
    case when n %% 400 = 0 then '[{"code": "IN201", "message": "no such item"}]'::jsonb end, now()
from generate_series(1, %(messages)s) as n
"""


def write_history(dsn: str, *, tasks: int, last_hour: int, messages: int) -> None:
    """Fill a migrated database that is empty: `tasks` ended, `last_hour` of them in it.

    Every ended task has its call in the log; of the newest, 10,000 are dead, 50 held, 950 wait
    for another attempt, 4,000 are due.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in _ROUTES.strip().split(";\n"):
            connection.execute(statement.encode())
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")
            connection.execute(_TASKS.encode(), {"tasks": tasks, "hour": last_hour})
            connection.execute(_TROUBLE.encode())
            connection.execute(_CALLS.encode())
            connection.execute("truncate artery.call_minute, artery.call_count")
            connection.execute(_MESSAGES.encode(), {"messages": messages})
        connection.execute(
            "update artery.call_rollup set counted_until = date_trunc('hour', now(), 'UTC') - "
            "interval '2 hours'"
        )
        connection.execute("select artery.count_calls('infinity')")
        connection.execute("vacuum analyze")
