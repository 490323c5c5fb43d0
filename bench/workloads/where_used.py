"""Where a bought part goes in a structure of 100,000 items, to the top."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from bench.report import Result
from bench.stack import Stack
from bench.stats import median
from bench.structure import write_structure
from pg_artery.migrate import migrate

TARGET = 1.0
LIMIT_S = 1.0
ITEMS = 100_000
PART = "I0000001"
QUERIES = {
    "assemblies, each once": ("artery_erp.where_used_items(%s)", PART),
    "every way, with quantities": ("artery_erp.where_used(%s)", "I0080001"),
    "explosion of a top item": ("artery_erp.bom_explosion(%s)", "I0099999"),
}


def measure(stack: Stack, rounds: int) -> Result:
    """The ratio is a second over the time for every assembly above a bought part."""
    dsn = stack.database("where_used")
    migrate(dsn)
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in QUERIES}
    with psycopg.connect(dsn, autocommit=True) as connection:
        write_structure(connection, ITEMS)
        for _ in range(rounds + 1):
            for name, (function, item) in QUERIES.items():
                begin = time.monotonic()
                query = f"select count(*) from {function} as f"
                row = connection.execute(query.encode(), (item,)).fetchone()
                found[name].append((row[0] if row else 0, time.monotonic() - begin))
    # the first run reads what the others find in memory
    medians = {name: median([seconds for _, seconds in runs[1:]]) for name, runs in found.items()}
    rows = [
        (name, f"{1000 * seconds:,.0f} ms", f"{found[name][-1][0]:,} rows")
        for name, seconds in medians.items()
    ]
    figures: dict[str, Any] = {"unit": "seconds", "items": ITEMS, "runs": found}
    return Result("where_used", LIMIT_S / medians["assemblies, each once"], TARGET, rows, figures)
