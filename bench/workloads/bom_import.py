"""A message of 100,000 BOM lines against a bare `insert … select … jsonb_to_recordset` of its rows.

The bare insert goes into the same table, `artery_erp.bom_line`, constraints and foreign keys
included, of items and BOM headers that are there already: it parses, checks and knows nothing. For
information the same into a copy of the table without foreign keys. Then the import from 1,000 to
300,000 lines: its time a line has to stay the same.
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

TARGET = 1 / 8
LINES = 100_000
SIZES = (1_000, 10_000, 100_000, 300_000)
PER_BOM = 100

_UNIT = "insert into artery_erp.unit values ('EA', 'Each', 'count', true) on conflict do nothing"
_COLUMNS = "bom_id bigint, line_no integer, component_code text, quantity numeric, unit text"
_BARE = f"""
    insert into {{table}} (bom_id, line_no, component_code, quantity, unit)
    select * from jsonb_to_recordset(%s::jsonb) as r ({_COLUMNS})
"""
_FORGET = (
    "delete from artery_erp.bom",
    "delete from artery_erp.item",
    "truncate artery_staging.plm_bom, artery_plm.cost_signal",
    "vacuum analyze artery_erp.bom_line",
    "vacuum analyze artery_erp.bom",
    "vacuum analyze artery_erp.item",
    "checkpoint",
)


def measure(stack: Stack, rounds: int) -> Result:
    """Each round: the import, then the bare inserts of the rows that it made."""
    dsn = stack.database("bom_import")
    migrate(dsn)
    imports: dict[int, list[float]] = {size: [] for size in SIZES}
    bare: dict[str, list[float]] = {"with_foreign_keys": [], "without": []}
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(_UNIT)
        for _ in range(rounds):
            for size in SIZES:
                imports[size].append(_import(conn, size))
                if size == LINES:
                    _bare(conn, bare)
                _forget(conn)
    seconds = {size: median(found) for size, found in imports.items()}
    reference = {name: median(found) for name, found in bare.items()}
    a_line = {size: 1e6 * took / size for size, took in seconds.items()}
    rows = [
        (f"{size:,} lines", f"{took:.2f} s", f"{a_line[size]:.0f} µs a line")
        for size, took in seconds.items()
    ]
    rows.append(("bare insert", f"{reference['with_foreign_keys']:.2f} s", f"of {LINES:,} rows"))
    rows.append(("bare, no keys", f"{reference['without']:.2f} s", "a copy without foreign keys"))
    figures: dict[str, Any] = {
        "unit": "seconds",
        "median": {"import": seconds, "bare": reference},
        "times_bare": seconds[LINES] / reference["with_foreign_keys"],
        "times_bare_without_foreign_keys": seconds[LINES] / reference["without"],
        "microseconds_a_line": a_line,
        "runs": {"import": imports, "bare": bare},
    }
    return Result(
        "bom_import", reference["with_foreign_keys"] / seconds[LINES], TARGET, rows, figures
    )


def message(size: int) -> str:
    """A message of that many lines; every fifth component is one more new item."""
    lines = [
        {"component": f"C{(n * 7919) % (size // 5)}", "quantity": (n % 90 + 1) / 10, "unit": "EA"}
        for n in range(size)
    ]
    boms = [
        {"item": f"P{n // PER_BOM}", "unit": "EA", "lines": lines[n : n + PER_BOM]}
        for n in range(0, size, PER_BOM)
    ]
    return json.dumps({"boms": boms})


def _import(conn: psycopg.Connection, size: int) -> float:
    """From the row in the inbox to the end of its processing."""
    conn.execute(
        "insert into artery_staging.plm_bom (message_id, body) values (%s, %s)",
        (str(size), message(size)),
    )
    started = time.monotonic()
    conn.execute("select artery_staging.process('artery_staging.plm_bom')")
    took = time.monotonic() - started
    row = conn.execute("select status, reasons from artery_staging.plm_bom").fetchone()
    if row is None or row[0] != "processed":
        raise RuntimeError(f"the message was not imported: {row}")
    return took


def _bare(conn: psycopg.Connection, found: dict[str, list[float]]) -> None:
    """The same rows again, after those of the import are gone; headers and items stay."""
    row = conn.execute(
        "select jsonb_agg(to_jsonb(r)) #>> '{}' from"
        " (select bom_id, line_no, component_code, quantity, unit from artery_erp.bom_line) as r"
    ).fetchone()
    conn.execute("create table bare (like artery_erp.bom_line including all)")
    for name, table in (("without", "bare"), ("with_foreign_keys", "artery_erp.bom_line")):
        conn.execute(f"truncate {table} cascade".encode())
        conn.execute("checkpoint")
        started = time.monotonic()
        conn.execute(_BARE.format(table=table).encode(), row)
        found[name].append(time.monotonic() - started)
    conn.execute("drop table bare")


def _forget(conn: psycopg.Connection) -> None:
    for statement in _FORGET:
        conn.execute(statement.encode())
