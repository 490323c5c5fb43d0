"""What engineering changes hit: 10,000 open orders, 100 ECOs; one ECO fresh, all refreshed.

The ECO that is asked for is the worst: its item has a tenth of all orders.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg

from bench.report import Result
from bench.stack import Stack
from bench.stats import median
from bench.structure import write_open_work, write_structure
from pg_artery.migrate import migrate

TARGET = 1.0
LIMIT_S = 0.2
ITEMS = 20_000
ORDERS = 10_000
CHANGES = 100
FRESH = "select count(*) from artery_plm.wip_impact_of(%s)"
REFRESH = "select artery_plm.refresh_wip_impact('infinity')"


def measure(stack: Stack, rounds: int) -> Result:
    """The ratio is 200 ms over the time for one ECO fresh; its median of ten runs a round."""
    dsn = stack.database("impact")
    migrate(dsn)
    fresh: list[float] = []
    refresh: list[float] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        write_structure(connection, ITEMS)
        connection.execute("select artery_plm.roll_up_costs('infinity')")
        write_open_work(connection, ORDERS, CHANGES)
        all_rows = _timed(connection, REFRESH)[0]
        eco_rows = _timed(connection, FRESH, "ECO-0")[0]
        for _ in range(rounds):
            fresh += [_timed(connection, FRESH, "ECO-0")[1] for _ in range(10)]
            refresh.append(_timed(connection, REFRESH)[1])
    rows = [
        ("one ECO, fresh", f"{1000 * median(fresh):,.0f} ms", f"{eco_rows:,} rows"),
        ("slowest of them", f"{1000 * max(fresh):,.0f} ms", f"of {len(fresh)}"),
        ("all ECOs, refreshed", f"{median(refresh):.2f} s", f"{all_rows:,} rows, concurrently"),
    ]
    figures: dict[str, Any] = {
        "unit": "seconds",
        "items": ITEMS,
        "open_orders": ORDERS,
        "ecos": CHANGES,
        "rows_of_eco": eco_rows,
        "rows_of_all": all_rows,
        "fresh": fresh,
        "refresh": refresh,
    }
    return Result("impact", LIMIT_S / median(fresh), TARGET, rows, figures)


def _timed(connection: psycopg.Connection, query: str, *values: str) -> tuple[int, float]:
    begin = time.monotonic()
    row = connection.execute(query.encode(), values or None).fetchone()
    return (row[0] if row else 0), time.monotonic() - begin
