"""`artery_tax.invoice_totals` against an independent reference in Python's `decimal`."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.one_server

CENT = Decimal("0.01")
RATES = ("0", "0.01", "0.015", "0.03", "0.05", "0.06", "0.09", "0.13", "0.19", "0.077", "0.333333")


UNTAXED = ("Z", "E", "AE", "K", "G", "O")
OFF = ("0.01", "0.05", "0.125", "0.333", "0.5", "1")
DECIMALS = ("quantity", "price", "charge", "discount")


def half_up(value: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return value.quantize(CENT, ROUND_HALF_UP)


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda n: str(Decimal(n).scaleb(-places)))


@st.composite
def line(draw: st.DrawFn) -> dict[str, Any]:
    rate = draw(st.sampled_from(RATES))
    made: dict[str, Any] = {
        "quantity": draw(st.one_of(decimals(1, 500, 0), decimals(1, 10**7, 3))),
        "price": draw(
            st.one_of(
                decimals(0, 10**6, 2),
                decimals(1, 10**12, 8),
                st.integers(0, 10**4).map(lambda n: str(n * Decimal("0.005"))),
            )
        ),
        "rate": rate,
        "category": "S" if Decimal(rate) else draw(st.sampled_from(UNTAXED)),
        "tax_included": draw(st.booleans()),
    }
    if draw(st.integers(0, 3)) == 0:
        made["charge"] = draw(decimals(0, 10**5, 2))
    kind = draw(st.integers(0, 5))
    if kind == 0:
        made["discount_rate"] = draw(st.sampled_from(OFF))
    elif kind == 1:
        made["discount"] = str(half_up(gross(made) * draw(st.integers(0, 100)) / 100))
    return {key: f"{Decimal(v):f}" if key in DECIMALS else v for key, v in made.items()}


def gross(made: dict[str, Any]) -> Decimal:
    """What a line comes to before its discount, on the basis of its price."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(made["quantity"]) * Decimal(made["price"])
        return half_up(exact + Decimal(made.get("charge", "0")))


def reference(lines: list[dict[str, Any]]) -> tuple[dict[Any, tuple[Decimal, Decimal]], Decimal]:
    """(category, rate) -> (amount, tax), and the total: tax on the sums alone."""
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for made in lines:
        off = Decimal(made.get("discount", "0"))
        if "discount_rate" in made:
            off = half_up(gross(made) * Decimal(made["discount_rate"]))
        sums[made["category"], Decimal(made["rate"]), made["tax_included"]] += gross(made) - off
    classes: dict[Any, tuple[Decimal, Decimal]] = {}
    with localcontext() as context:
        context.prec = 60
        for (category, rate, included), total in sums.items():
            amount = half_up(total / (1 + rate)) if included else total
            tax = total - amount if included else half_up(total * rate)
            before = classes.get((category, rate), (Decimal(0), Decimal(0)))
            classes[category, rate] = (before[0] + amount, before[1] + tax)
    return classes, sum((amount + tax for amount, tax in classes.values()), Decimal(0))


def test_against_the_reference(conn: psycopg.Connection, request: pytest.FixtureRequest) -> None:
    """Each rule of an invoice's arithmetic, on documents that nobody thought of."""
    seen = {"documents": 0, "rows": 0, "banker": 0, "by_line": 0}

    @settings(
        max_examples=3000 if request.config.getoption("--long") else 300,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(line(), min_size=1, max_size=25), st.booleans())
    def check(lines: list[dict[str, Any]], taken_back: bool) -> None:
        side = -1 if taken_back else 1
        sent = [
            made | {"quantity": f"{side * Decimal(made['quantity']):f}", "name": f"n{no}"}
            for no, made in enumerate(lines)
        ]
        told = conn.execute("select artery_tax.invoice_totals(%s)", (json.dumps(sent),)).fetchone()
        assert told is not None
        answer: dict[str, Any] = told[0]
        classes, total = reference(lines)

        got = {
            (t["category"], Decimal(t["rate"])): (Decimal(t["amount"]), Decimal(t["tax"]))
            for t in answer["taxes"]
        }
        assert got == {key: (side * a, side * t) for key, (a, t) in classes.items()}
        totals = {key: Decimal(value) for key, value in answer["totals"].items()}
        assert totals["total"] == totals["amount"] + totals["tax"] == side * total

        sums: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for no, row in enumerate(answer["lines"], 1):
            made = sent[row["line_no"] - 1]
            amount, tax, rate = (Decimal(row[key]) for key in ("amount", "tax", "rate"))
            assert row["row_no"] == no
            assert row["name"] == made["name"]
            assert all(text[-3] == "." for text in (row["amount"], row["tax"], row["total"]))
            assert abs(amount * rate - tax) <= Decimal("0.06")
            assert amount + tax == Decimal(row["total"])
            exact = amount * rate
            assert exact.quantize(CENT, ROUND_FLOOR) - CENT <= tax <= exact + 2 * CENT
            if row["kind"] == "discount":
                before = answer["lines"][no - 2]
                assert before["kind"] == "discounted"
                assert before["line_no"] == row["line_no"]
                assert "price" not in row
                assert "quantity" not in row
                whole = Decimal(before["total" if row["tax_included"] else "amount"])
                if whole == -Decimal(row["total" if row["tax_included"] else "amount"]):
                    assert tax == -Decimal(before["tax"]), "given away whole"
            else:
                basis = amount + tax if row["tax_included"] else amount
                quantity, price = Decimal(row["quantity"]), Decimal(row["price"])
                slack = abs(quantity) * Decimal("1e-8") if "charge" in made else 0
                assert abs(quantity * price - basis) <= Decimal("0.02") + slack
                if "charge" not in made:
                    even = (quantity * price).quantize(CENT, ROUND_HALF_EVEN)
                    seen["banker"] += basis != even
            key = (row["category"], rate)
            sums[key][0] += amount
            sums[key][1] += tax
        assert {key: tuple(value) for key, value in sums.items()} == got
        by_line = sum(half_up(Decimal(r["amount"]) * Decimal(r["rate"])) for r in answer["lines"])
        seen["by_line"] += by_line != totals["tax"]
        seen["documents"] += 1
        seen["rows"] += len(answer["lines"])

    check()
    print(seen)
    assert seen["banker"] > 0, "none in which rounding half to even would be wrong was tried"
    assert seen["by_line"] > 0, "none in which taxing each line would be wrong was tried"
