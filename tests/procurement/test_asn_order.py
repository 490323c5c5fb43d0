"""Shipping notices, shuffled and repeated, end where those sent once and in order end."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

INBOX = "artery_staging.supplier_asn"
ORDERED = {10: Decimal(100), 20: Decimal(40)}
RATE = Decimal("0.1")
#: pieces in the units that a notice may be in
UNITS = {"EA": 1, "BOX": 12}
MASTER = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('EA', 'piece', 'count', true), ('BOX', 'box', 'count', true);
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('BOX', 12, 'EA');
insert into artery_erp.item (code, name, status, source, stock_unit)
values ('BOLT', 'bolt', 'released', 'buy', 'EA');
insert into artery_erp.supplier (code, name) values ('ACME', 'Acme');
insert into artery_erp.purchase_order (supplier_code, po_no) values ('ACME', 'PO');
insert into artery_erp.purchase_order_line
    (supplier_code, po_no, line_no, item_code, quantity, unit, over_delivery_rate)
values ('ACME', 'PO', 10, 'BOLT', 100, 'EA', 0.1), ('ACME', 'PO', 20, 'BOLT', 40, 'EA', 0.1);
update artery_erp.purchase_order set status = 'approved';
"""
DOCUMENTS = """
select asn_no, revision, status, shipped_at::text, detail::text
from artery_erp.asn_document order by asn_no
"""
ASN_LINES = """
select asn_no, line_no, po_line_no, trim_scale(quantity)::text, unit, outstanding_quantity::text,
    trim_scale(excess_quantity)::text
from artery_erp.asn_line order by asn_no, line_no
"""
ORDER_LINES = """
select line_no, notified_quantity, outstanding_quantity, short_quantity, short_closed
from artery_erp.purchase_order_line order by line_no
"""
END_STATE = (DOCUMENTS, ASN_LINES, ORDER_LINES)

line = st.fixed_dictionaries({
    "po_line_no": st.sampled_from(sorted(ORDERED)),
    "quantity": st.integers(0, 60).map(str),
    "unit": st.sampled_from(sorted(UNITS)),
    "outstanding_quantity": st.none() | st.integers(0, 80),
})  # fmt: skip
notice = st.fixed_dictionaries({
    "asn_no": st.sampled_from(["A-1", "A-2", "A-3", "A-4"]),
    "day": st.integers(1, 5),
    "cancelled": st.sampled_from([False, False, False, True]),
    "lines": st.lists(line, min_size=1, max_size=3),
})  # fmt: skip


@st.composite
def traffic(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The notices in order, each once, and the same shuffled with repeats."""
    revisions: dict[str, int] = {}
    bodies = []
    for spec in draw(st.lists(notice, min_size=1, max_size=7)):
        number = spec["asn_no"]
        revisions[number] = revisions.get(number, 0) + 1
        body = {
            "asn_no": number, "revision": revisions[number],
            "shipped_at": f"2030-01-0{spec['day']}T08:00:00Z",
        }  # fmt: skip
        if spec["cancelled"]:
            body["status"] = "cancelled"
        else:
            body["lines"] = [
                {"line_no": n, "po_no": "PO", "item": "BOLT"} | entry
                for n, entry in enumerate(spec["lines"], start=1)
            ]
        bodies.append(body)
    repeats = draw(st.lists(st.sampled_from(bodies), max_size=4))
    return bodies, list(draw(st.permutations(bodies + repeats)))


@pytest.fixture
def order(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(MASTER)
    return conn


def play(conn: psycopg.Connection, bodies: list[dict[str, Any]], batch: int) -> tuple[Any, ...]:
    """Send them, processed in batches; gives the end state, and undoes all of it."""
    with conn.transaction(force_rollback=True):
        for n, body in enumerate(bodies):
            conn.execute(
                f"insert into {INBOX} (source, message_id, body) values ('ACME', %s, %s)"
                " on conflict do nothing".encode(),
                # a repeat comes under the same id, or under another
                (f"{body['asn_no']}/{body['revision']}/{n % 2}", json.dumps(body)),
            )
            if n % batch == 0:
                conn.execute("select artery_staging.process(%s)", (INBOX,))
        conn.execute("select artery_staging.process(%s)", (INBOX,))
        rejected = conn.execute(f"select reasons from {INBOX} where status <> 'processed'".encode())
        assert rejected.fetchall() == []
        return tuple(
            conn.execute(q.encode()).fetchall() for q in (DOCUMENTS, ASN_LINES, ORDER_LINES)
        )


def expected(bodies: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The order's lines, reckoned apart: of each notice its last revision, as the goods left."""
    last = {body["asn_no"]: body for body in bodies}
    shipped: dict[int, Decimal] = dict.fromkeys(ORDERED, Decimal(0))
    stated: dict[int, Decimal | None] = dict.fromkeys(ORDERED)
    for body in sorted(last.values(), key=lambda body: (body["shipped_at"], body["asn_no"])):
        for entry in body.get("lines", []):
            number, pieces = entry["po_line_no"], UNITS[entry["unit"]]
            shipped[number] += Decimal(entry["quantity"]) * pieces
            if entry["outstanding_quantity"] is not None:
                stated[number] = Decimal(entry["outstanding_quantity"]) * pieces
    rows = []
    for number, quantity in ORDERED.items():
        rest = stated[number]
        short = max(Decimal(0), quantity - shipped[number] - rest) if rest is not None else 0
        rows.append((number, shipped[number], rest, short, bool(short) and rest == 0))
    return rows


@pytest.mark.one_server
def test_any_order_and_any_repeat_ends_as_sorted_once(order, request) -> None:
    long = request.config.getoption("--long")

    @settings(
        max_examples=400 if long else 25, deadline=None, derandomize=not long,
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    @given(traffic(), st.integers(1, 6))
    def holds(sent: tuple[list[dict[str, Any]], list[dict[str, Any]]], batch: int) -> None:
        in_order, shuffled = sent
        once = play(order, in_order, 1)
        assert once[2] == expected(in_order)
        assert play(order, shuffled, batch) == once
        excess = {number: Decimal(0) for number in ORDERED}
        for entry in once[1]:
            excess[entry[2]] += Decimal(entry[6]) * UNITS[entry[4]]
        for number, shipped, *_ in once[2]:
            allowed = ORDERED[number] * (1 + RATE)
            assert abs(excess[number] - max(Decimal(0), shipped - allowed)) < Decimal("1e-6")

    holds()
