"""What is split is whole again when its parts are put together; two at once make one invoice."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.one_server

SPLIT = """
    select s.part, artery_tax.invoice_totals((
        select jsonb_agg(l.value - 'line_no' order by l.no)
        from jsonb_array_elements(s.lines) with ordinality as l (value, no)
    ))
    from artery_tax._split_lines(%s, %s, %s) as s order by s.part
"""


@st.composite
def line(draw: st.DrawFn) -> dict[str, Any]:
    whole = draw(st.booleans())
    quantity = Decimal(draw(st.integers(1, 60))) if whole else Decimal(draw(st.integers(1, 60_000)))
    made = {
        "quantity": f"{quantity if whole else quantity.scaleb(-3):f}",
        "price": f"{Decimal(draw(st.integers(1, 9_000))).scaleb(-2):f}",
        "rate": draw(st.sampled_from(("0", "0.03", "0.06", "0.13"))),
        "tax_included": draw(st.booleans()),
    }
    if draw(st.booleans()):
        made["discount_rate"] = draw(st.sampled_from(("0.001", "0.05", "0.333333", "0.999", "1")))
    if draw(st.integers(0, 4)) == 0:
        made["charge"] = f"{Decimal(draw(st.integers(0, 999))).scaleb(-2):f}"
    return made


def test_the_parts_make_the_whole(conn: psycopg.Connection, request: pytest.FixtureRequest) -> None:
    """To the cent, within both limits, with each discount behind its line."""
    parts_seen = []

    @settings(
        max_examples=1500 if request.config.getoption("--long") else 150,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(line(), min_size=1, max_size=12), st.integers(2, 9), st.integers(150, 3000))
    def check(lines: list[dict[str, Any]], max_lines: int, max_amount: int) -> None:
        given_lines = [made | {"source": no} for no, made in enumerate(lines)]
        sent = json.dumps(given_lines)
        whole = conn.execute("select artery_tax.invoice_totals(%s)", (sent,)).fetchone()
        parts = conn.execute(SPLIT, (sent, max_lines, max_amount)).fetchall()
        assert whole is not None
        assert [part for part, _ in parts] == list(range(1, len(parts) + 1))

        agreed: dict[int, Decimal] = defaultdict(Decimal)
        quantities: dict[int, Decimal] = defaultdict(Decimal)
        for _, counted in parts:
            assert len(counted["lines"]) <= max_lines
            assert Decimal(counted["totals"]["amount"]) <= max_amount
            for before, row in zip([None, *counted["lines"]], counted["lines"], strict=False):
                basis = row["total" if row["tax_included"] else "amount"]
                agreed[row["source"]] += Decimal(basis)
                if row["kind"] == "discount":
                    assert before is not None
                    assert (before["source"], before["kind"]) == (row["source"], "discounted")
                else:
                    quantities[row["source"]] += Decimal(row["quantity"])
                    if "." not in given_lines[row["source"]]["quantity"]:
                        assert Decimal(row["quantity"]) % 1 == 0
        for no, made in enumerate(given_lines):
            assert quantities[no] == Decimal(made["quantity"])
        wanted: dict[int, Decimal] = defaultdict(Decimal)
        for row in whole[0]["lines"]:
            wanted[row["source"]] += Decimal(row["total" if row["tax_included"] else "amount"])
        assert agreed == wanted
        parts_seen.append(len(parts))

    check()
    print(f"{len(parts_seen)} documents, {sum(parts_seen)} invoices")
    assert max(parts_seen) > 3


def test_a_document_is_invoiced_once_however_many_ask(
    conn: psycopg.Connection, connect: Any
) -> None:
    conn.execute(
        "insert into artery_tax.merchant (code, name, tax_no, is_default)"
        " values ('US', 'we', 'DE123456789', true)"
    )
    line_sent = (
        '[{"name": "x", "tax_class_code": "1090119010000000000",'
        ' "quantity": 1, "price": 1, "rate": "0.13"}]'
    )
    got: list[Any] = []
    gate = threading.Barrier(8)

    def ask(session: psycopg.Connection) -> None:
        gate.wait()
        for number in range(10):
            made = session.execute(
                "select artery_tax.create_invoices('order', %s, %s, %s)",
                (f"O-{number}", '{"buyer": {"name": "y"}}', line_sent),
            ).fetchone()
            got.append((number, made))

    threads = [threading.Thread(target=ask, args=(connect(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 80
    assert len({str(made) for _, made in got}) == 10
    assert conn.execute("select count(*) from artery_erp.ar_invoice").fetchone() == (10,)
