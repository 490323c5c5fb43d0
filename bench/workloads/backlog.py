"""Steady delivery from a table with 5 million finished and 500,000 waiting tasks, against none."""

from __future__ import annotations

import time
from typing import Any

from bench.contenders.artery import Artery
from bench.drain import warm_up
from bench.report import Result
from bench.settings import DELIVER
from bench.stack import Stack
from bench.stats import median

TARGET = 0.9
FINISHED = 5_000_000
WAITING = 500_000
# the window lies between these counts of requests, where the runner neither starts nor runs dry
SKIPPED = 10_000
COUNTED = 60_000
# what the table without a backlog holds, for a window of the same kind
SUPPLY = SKIPPED + COUNTED + 10_000
LIMIT_S = 120.0

# set-based and with triggers off, as a restore would write it
_FILL = """
    insert into artery.integration_task (
        request_id, topic, endpoint_id, status, priority, attempt, max_attempts, due_at,
        method, path, content_type, body, request_hash, created_at, started_at, ended_at,
        duration, status_code
    )
    select
        gen_random_uuid(), 'bench.deliver', e.id, %(status)s, 5, %(done)s::int, 12,
        now() - interval '1 hour' + n * interval '1 millisecond',
        'POST', '/hook', 'application/json',
        '{"id": "' || lpad(n::text, 7, '0') || '", "pad": "' || repeat('x', 472) || '"}',
        sha256(n::text::bytea), now() - interval '1 hour',
        case when %(done)s then now() end, case when %(done)s then now() end,
        case when %(done)s then interval '5 ms' end, case when %(done)s then 200 end
    from artery.endpoint as e
    cross join generate_series(1, %(count)s) as n
    where e.name = 'bench'
"""


def measure(stack: Stack, rounds: int) -> Result:
    """Two databases in one cluster, in turns; both windows are counted in rows of the cloud log."""
    tables = {"empty": 0, "loaded": FINISHED}
    benches = {
        name: Artery(
            stack.database(f"backlog_{name}"), stack.url, stack.build, DELIVER[Artery.name]
        )
        for name in tables
    }
    rates: dict[str, list[float]] = {name: [] for name in tables}
    try:
        for name, artery in benches.items():
            # the first deliveries make what an insert past enqueue_task would miss
            artery.start()
            warm_up(artery, stack)
            artery.stop()
            artery.tidy()
            if tables[name]:
                _fill(artery, "sent", tables[name])
        for turn in range(rounds):
            for name in sorted(tables, reverse=turn % 2 == 1):
                waiting = WAITING if tables[name] else SUPPLY
                _supply(benches[name], waiting)
                rates[name].append(_window(benches[name], stack))
    finally:
        for artery in benches.values():
            artery.close()
    medians = {name: median(found) for name, found in rates.items()}
    rows = [
        (f"{name} table", f"{rate:,.0f}/s", f"{tables[name]:,} finished")
        for name, rate in medians.items()
    ]
    figures: dict[str, Any] = {
        "unit": "tasks recorded with their log row a second, in the middle of a run",
        "finished": FINISHED,
        "waiting": WAITING,
        "counted": COUNTED,
        "median": medians,
        "settings": DELIVER[Artery.name],
        "runs": rates,
    }
    return Result("backlog", medians["loaded"] / medians["empty"], TARGET, rows, figures)


def _supply(artery: Artery, waiting: int) -> None:
    """Bring the number of waiting tasks to `waiting` and the table to rest."""
    present: int = artery.value(
        "select count(*) from artery.integration_task where status in ('pending', 'failed')"
    )
    _fill(artery, "pending", waiting - present)
    artery.producer.execute("vacuum analyze artery.integration_task")
    artery.producer.execute("checkpoint")


def _fill(artery: Artery, status: str, count: int) -> None:
    with artery.producer.transaction():
        artery.producer.execute("set local session_replication_role = replica")
        artery.producer.execute(_FILL, {"status": status, "done": status == "sent", "count": count})


def _window(artery: Artery, stack: Stack) -> float:
    """Start the runner on the waiting work; tasks recorded a second within the window."""
    before = stack.nginx.requests()
    artery.start(idle=False)
    try:
        first = _at(artery, stack, before + SKIPPED)
        last = _at(artery, stack, before + SKIPPED + COUNTED)
    finally:
        artery.stop()
    return (last[1] - first[1]) / (last[0] - first[0])


def _at(artery: Artery, stack: Stack, requests: int) -> tuple[float, int]:
    """Wait for that count of requests; the moment, and how many rows the cloud log has at it."""
    deadline = time.monotonic() + LIMIT_S
    while stack.nginx.requests() < requests:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the window was not reached within {LIMIT_S:.0f} s")
        time.sleep(0.01)
    logged: int = artery.value("select count(*) from artery.cloud_log")
    return time.monotonic(), logged
