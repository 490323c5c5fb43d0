"""Costs of a whole structure rolled up: 100,000 items in ten levels, against a tenth of that.

What is shown to hold is that the time grows with the lines and not faster: the ratio is items a
second with 100,000 items over items a second with 10,000.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg

from bench.report import Result
from bench.stack import Stack
from bench.stats import median
from bench.structure import write_structure
from pg_artery.migrate import migrate

TARGET = 0.7
SIZES = (10_000, 100_000)


def measure(stack: Stack, rounds: int) -> Result:
    """Each round rolls up everything, then what one changed price reaches; the small one first."""
    connections = {size: _prepared(stack, size) for size in SIZES}
    whole: dict[int, list[float]] = {size: [] for size in SIZES}
    changed: dict[int, list[tuple[int, float]]] = {size: [] for size in SIZES}
    try:
        for turn in range(rounds):
            for size in SIZES:
                connection = connections[size]
                connection.execute("vacuum analyze artery_erp.item_cost, artery_plm.cost_run_item")
                connection.execute("checkpoint")
                begin = time.monotonic()
                connection.execute("select artery_plm.start_cost_run()")
                connection.execute("select artery_plm.roll_up_costs('infinity')")
                whole[size].append(time.monotonic() - begin)
                connection.execute(
                    "update artery_erp.item set standard_cost = %s where code = %s",
                    (1000 + turn, f"I{turn:07}"),
                )
                begin = time.monotonic()
                row = connection.execute("select artery_plm.roll_up_costs('infinity')").fetchone()
                changed[size].append((row[0] if row else 0, time.monotonic() - begin))
    finally:
        for connection in connections.values():
            connection.close()
    rates = {size: size / median(found) for size, found in whole.items()}
    rows = [
        (f"all of {size:,} items", f"{median(found):.1f} s", f"{rates[size]:,.0f} items/s")
        for size, found in whole.items()
    ]
    for size, runs in changed.items():
        reached = median([float(count) for count, _ in runs])
        rows.append(
            (
                f"one price of {size:,}",
                f"{median([seconds for _, seconds in runs]):.2f} s",
                f"reaches {reached:,.0f} items",
            )
        )
    figures: dict[str, Any] = {
        "unit": "seconds",
        "lines_an_item": 5,
        "levels": 10,
        "whole": whole,
        "changed": changed,
    }
    return Result("rollup", rates[SIZES[1]] / rates[SIZES[0]], TARGET, rows, figures)


def _prepared(stack: Stack, size: int) -> psycopg.Connection:
    dsn = stack.database(f"rollup_{size}")
    migrate(dsn)
    connection = psycopg.connect(dsn, autocommit=True)
    write_structure(connection, size)
    connection.execute("select artery_plm.roll_up_costs('infinity')")
    return connection
