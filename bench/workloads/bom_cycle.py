"""One BOM imported into a structure of 1,000,000 lines: the search for circles, at its worst.

Ten layers of 10,000 assemblies, ten components each from the layer below: changed are an assembly
at the top, one at the bottom that nearly everything above contains, and one that closes a circle.
"""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg

from bench.report import Result
from bench.stack import Stack
from bench.stats import median
from pg_artery.migrate import migrate

SECONDS = 5.0
LAYERS, WIDTH, FAN = 10, 10_000, 10

_FILL = (
    "insert into artery_erp.unit values ('EA', 'Each', 'count', true)",
    f"""insert into artery_erp.item (code, name, status, source, stock_unit)
    select format('L%s-%s', l, n), 'x', 'released', 'make', 'EA'
    from generate_series(0, {LAYERS}) as l, generate_series(0, {WIDTH - 1}) as n""",
    f"""insert into artery_erp.bom (item_code, revision, status, unit)
    select format('L%s-%s', l, n), 'A', 'released', 'EA'
    from generate_series(0, {LAYERS - 1}) as l, generate_series(0, {WIDTH - 1}) as n""",
    f"""insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
    select b.id, k * 10, format(
        'L%s-%s', substring(b.item_code from 'L(\\d+)')::int + 1,
        (split_part(b.item_code, '-', 2)::bigint * 31 + k * 977) % {WIDTH}
    ), 1, 'EA'
    from artery_erp.bom as b, generate_series(1, {FAN}) as k""",
)
CASES = {"top": ("L0-1", "L5-1"), "bottom": ("L9-1", "L10-7"), "circle": ("L9-1", "L0-1")}


def measure(stack: Stack, rounds: int) -> Result:
    """Time from the call to the answer; the slowest of the three kinds counts."""
    dsn = stack.database("bom_cycle")
    migrate(dsn)
    took: dict[str, list[float]] = {name: [] for name in CASES}
    with psycopg.connect(dsn, autocommit=True) as conn:
        with conn.transaction():
            conn.execute("set local session_replication_role = replica")
            for statement in _FILL:
                conn.execute(statement.encode())
        conn.execute("vacuum analyze")
        for turn in range(rounds):
            for name, (item, component) in CASES.items():
                took[name].append(_import(conn, f"{name}-{turn}", item, component))
    medians = {name: median(found) for name, found in took.items()}
    rows = [(f"changed: {name}", f"{seconds:.2f} s", "") for name, seconds in medians.items()]
    figures: dict[str, Any] = {
        "unit": "seconds",
        "edges": LAYERS * WIDTH * FAN,
        "median": medians,
        "runs": took,
    }
    return Result("bom_cycle", SECONDS / max(medians.values()), 1.0, rows, figures)


def _import(conn: psycopg.Connection, key: str, item: str, component: str) -> float:
    lines = [{"component": component, "quantity": 2, "unit": "EA", "line_no": 10}]
    body = {"message_id": key, "boms": [{"item": item, "revision": "A", "lines": lines}]}
    with conn.transaction(force_rollback=True):
        started = time.monotonic()
        row = conn.execute("select artery_api_v1.import_bom(%s)", (json.dumps(body),)).fetchone()
        took = time.monotonic() - started
    circle = key.startswith("circle")
    if row is None or (row[0]["status"] == "rejected") != circle:
        raise RuntimeError(f"{key}: {row}")
    return took
