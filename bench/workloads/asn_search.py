"""Shipping notices found by lot, SSCC, item and order among 1,000,000, under row-level security.

A supplier with a fifth of all notices searches, then one with a small part, then the ERP.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

import psycopg

from bench.report import Result
from bench.stack import Stack
from bench.stats import median
from pg_artery.migrate import migrate

TARGET = 1.0
LIMIT_S = 0.01
NOTICES = 1_000_000
SUPPLIERS = 200
SEARCHES = 100
#: role, and which numbered notices it looks for: its own; every step-th from the first
SEARCHERS = (("bench_big", 5, 0), ("bench_small", SUPPLIERS, 6), ("artery_reader", 5, 0))

# Two lines a notice: the first with a lot, the second with an SSCC; a fifth of them is S0's.
_FILL = f"""
set session_replication_role = replica;
insert into artery_erp.unit (code, name, dimension) values ('KG', 'kilogram', 'mass');
insert into artery_erp.item (code, name, status, source, stock_unit)
select 'I' || n, 'item', 'released', 'buy', 'KG' from generate_series(0, 19999) as n;
insert into artery_erp.supplier (code, name)
select 'S' || n, 'supplier' from generate_series(0, {SUPPLIERS}) as n;
create unlogged table public.notice as
select
    'S' || case when n % 5 = 0 then 0 else 1 + n % {SUPPLIERS} end as supplier, n,
    'I' || (n * 7919::bigint) % 20000 as first_item,
    'I' || (n * 104729::bigint) % 20000 as second_item,
    'L' || n / 2 as lot, lpad(n::text, 18, '3') as sscc, 'PO-' || n / 10 as po_no
from generate_series(1, {NOTICES}) as n;
drop index artery_erp.asn_document_detail_idx;
insert into artery_erp.asn_document
    (supplier_code, asn_no, shipped_at, expected_at, carrier, content_hash, detail)
select
    n.supplier, 'A-' || n.n, now() - n.n * interval '1 minute', now(), 'carrier', n.n,
    jsonb_build_object('supplier', n.supplier, 'lines', jsonb_build_array(
        jsonb_build_object('item', n.first_item, 'lot', n.lot, 'po_no', n.po_no),
        jsonb_build_object('item', n.second_item, 'sscc', n.sscc, 'po_no', n.po_no)
    ))
from public.notice as n;
insert into artery_erp.asn_line
    (supplier_code, asn_no, line_no, po_no, po_line_no, item_code, quantity, unit, lot_no, sscc)
select
    n.supplier, 'A-' || n.n, k, n.po_no, k, case k when 1 then n.first_item else n.second_item end,
    1, 'KG', case k when 1 then n.lot end, case k when 2 then n.sscc end
from public.notice as n cross join generate_series(1, 2) as k;
drop table public.notice;
set maintenance_work_mem = '512MB';
create index asn_document_detail_idx on artery_erp.asn_document
using gin (detail jsonb_path_ops) with (fastupdate = off);
vacuum analyze artery_erp.asn_document;
vacuum analyze artery_erp.asn_line;
reset session_replication_role;
create role bench_big login;
create role bench_small login;
select artery_procurement.grant_supplier('bench_big', 'S0');
select artery_procurement.grant_supplier('bench_small', 'S7');
"""
_FIND = "select count(*) from artery_procurement.find_asn(%s)"
_EXPLAIN = (
    "load 'auto_explain'", "set auto_explain.log_min_duration = 0",
    "set auto_explain.log_analyze = on", "set auto_explain.log_buffers = on",
    "set auto_explain.log_nested_statements = on", "set client_min_messages = log",
)  # fmt: skip


def measure(stack: Stack, rounds: int) -> Result:
    """The ratio is 10 ms over the median of the slowest kind of search; the p99 is shown."""
    dsn = stack.database("asn_search")
    migrate(dsn)
    rng = random.Random(1)
    figures: dict[str, Any] = {"unit": "seconds", "notices": NOTICES, "suppliers": SUPPLIERS}
    rows: list[tuple[str, str, str]] = []
    worst = 0.0
    with psycopg.connect(dsn, autocommit=True) as connection:
        begin = time.monotonic()
        for statement in _FILL.split(";"):
            connection.execute(statement.encode())
        figures["fill"] = time.monotonic() - begin
        figures["plan"] = _plan(connection)
        for who, step, first in SEARCHERS:
            connection.execute(f"set role {who}".encode())
            for kind in ("lot", "sscc", "po_no", "item", "item and lot"):
                timed = [
                    _search(connection, rng.randrange(1, NOTICES // step) * step + first, kind)
                    for _ in range(SEARCHES * rounds)
                ]
                found, times = sum(n for n, _ in timed), sorted(t for _, t in timed)
                p99 = times[int(len(times) * 0.99)]
                worst = max(worst, median(times))
                figures[f"{who}, {kind}"] = {"found": found, "seconds": times}
                remark = f"p99 {1000 * p99:.2f} ms, {found / len(times):.1f} lines each"
                rows.append((f"{who}: {kind}", f"{1000 * median(times):.2f} ms", remark))
            connection.execute("reset role")
    return Result("asn_search", LIMIT_S / worst, TARGET, rows, figures)


def _search(connection: psycopg.Connection, n: int, kind: str) -> tuple[int, float]:
    values = {
        "lot": f"L{n // 2}",
        "sscc": str(n).rjust(18, "3"),
        "po_no": f"PO-{n // 10}",
        "item": f"I{n * 7919 % 20000}",
    }
    wanted = {name: values[name] for name in kind.split(" and ")}
    begin = time.monotonic()
    row = connection.execute(_FIND, [json.dumps(wanted)]).fetchone()
    return (row[0] if row else 0), time.monotonic() - begin


def _plan(connection: psycopg.Connection) -> str:
    """What the server does inside the function for a supplier's search by lot."""
    heard: list[str] = []
    for statement in _EXPLAIN:
        connection.execute(statement.encode())
    connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    connection.execute("set role bench_big")
    connection.execute(_FIND, ['{"lot": "L250000"}'])
    connection.execute("reset role")
    for statement in ("set auto_explain.log_min_duration = -1", "reset client_min_messages"):
        connection.execute(statement.encode())
    return next(text for text in heard if "asn_document_detail_idx" in text)
