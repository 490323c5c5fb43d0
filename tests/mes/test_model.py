"""Random factories and histories against the model: equal after every step, whatever comes when."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from factory import INBOX, MASTER, check_books, one
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run
from model import Books, Line, Order

PARTS = ["A", "B", "C"]
LOT_TRACKED = {"B", "C"}
ORDERS = {"MO-1": "P1", "MO-2": "P1", "MO-3": "P2"}
LIMIT = 33
COUNTS = st.integers(0, 12)

_now: psycopg.Connection  # the connection of the test that runs


@pytest.fixture
def here(conn: psycopg.Connection) -> psycopg.Connection:
    global _now
    _now = conn
    conn.execute("set statement_timeout = '20s'")
    conn.execute(MASTER)
    for code in [*PARTS, "P1", "P2"]:
        conn.execute(
            "insert into artery_erp.item (code, name, status, source, stock_unit, lot_tracked)"
            " values (%s, 'i', 'released', 'make', 'KG', %s)",
            (code, code in LOT_TRACKED),
        )
    return conn


def build(conn: psycopg.Connection, rng: random.Random) -> Books:
    """Two products of random parts, the second made of the first too; orders of 30, 10 % over."""
    orders = {}
    for product in ("P1", "P2"):
        bom = one(
            conn,
            "insert into artery_erp.bom (item_code, revision, status, unit)"
            " values (%s, '1', 'released', 'KG') returning id",
            product,
        )
        lines = []
        parts = [*rng.sample(PARTS, rng.randint(1, 3)), *(["P1"] if product == "P2" else [])]
        for number, part in enumerate(parts, start=1):
            warehouse = "FG" if part == "P1" else "LINE"
            quantity, scrap = Fraction(rng.randint(1, 400), 100), Fraction(rng.randint(0, 20), 100)
            conn.execute(
                "insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit,"
                " scrap_rate, warehouse_code) values (%s, %s, %s, %s, 'KG', %s, %s)",
                (bom, number, part, float(quantity), float(scrap), warehouse),
            )
            others = [p for p in PARTS if p not in parts]
            substitutes = []
            if others and part != "P1" and rng.random() < 0.5:
                ratio = Fraction(rng.randint(1, 30), 10)
                conn.execute(
                    "insert into artery_erp.bom_line_substitute values (%s, %s, 1, %s, %s)",
                    (bom, number, others[0], float(ratio)),
                )
                substitutes = [(others[0], ratio)]
            lines.append((number, part, warehouse, quantity * (1 + scrap), substitutes))
        for mo_no, item in ORDERS.items():
            if item == product:
                conn.execute(
                    "insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit,"
                    " receive_warehouse, line_warehouse, overproduction_rate)"
                    " values (%s, %s, 30, 'KG', 'FG', 'LINE', 0.1)",
                    (mo_no, item),
                )
                conn.execute("select artery_erp.release_manufacturing_order(%s)", (mo_no,))
                orders[mo_no] = Order(item, Fraction(LIMIT), [Line(*line) for line in lines])
    return Books(orders)


def receive(
    conn: psycopg.Connection, books: Books, item: str, lot: int, much: int, day: int
) -> None:
    name = f"{item}{lot}" if item in LOT_TRACKED else ""
    books.receive(item, "LINE", name, much, day if name else 0)
    move = {"item": item, "warehouse": "LINE", "quantity": str(much)}
    if name:
        move |= {"lot": name, "expires_at": f"2080-01-{day:02}T00:00:00Z"}
    conn.execute("select artery_erp.post_stock('receipt', 't', 't', %s)", (json.dumps([move]),))


def body(order: str, good: int, scrap: int) -> dict[str, Any]:
    return {"mo_no": order, "good": str(good), "scrap": str(scrap)}


def insert(conn: psycopg.Connection, name: str, message: dict[str, Any]) -> None:
    conn.execute(
        f"insert into {INBOX} (source, message_id, body) values ('mes', %s, %s)"
        " on conflict do nothing",
        (name, json.dumps(message)),
    )


def process(conn: psycopg.Connection) -> None:
    """All that is new or parked, as if its time had come."""
    conn.execute(f"update {INBOX} set due_at = clock_timestamp() where status = 'parked'")
    conn.execute("select artery_staging.process(%s)", (INBOX,))


def compare(conn: psycopg.Connection, books: Books) -> None:
    rows = conn.execute(
        "select item_code, warehouse_code, lot_no, quantity from artery_erp.stock_balance"
        " where quantity <> 0"
    ).fetchall()
    assert {row[:3]: Fraction(row[3]) for row in rows} == {
        k: q for k, q in books.stock.items() if q
    }
    rows = conn.execute("select mo_no, line_no, issued from artery_erp.manufacturing_order_line")
    assert {row[:2]: Fraction(row[2]) for row in rows.fetchall()} == {
        (number, line.number): line.issued
        for number, order in books.orders.items()
        for line in order.lines
    }
    rows = conn.execute("select mo_no, good, scrap from artery_erp.manufacturing_order")
    assert {row[0]: row[1:] for row in rows.fetchall()} == {
        number: (order.good, order.scrap) for number, order in books.orders.items()
    }
    rows = conn.execute(f"select message_id, status from {INBOX} where status <> 'new'")
    assert dict(rows.fetchall()) == books.states
    check_books(conn)


class Factory(RuleBasedStateMachine):
    """Each history in a transaction of its own, which is rolled back."""

    @initialize(seed=st.integers(0, 10**6))
    def begin(self, seed: int) -> None:
        _now.execute("begin")
        self.books = build(_now, random.Random(seed))
        self.sent: dict[str, tuple[str, dict[str, Any]]] = {}
        self.waiting: list[str] = []

    @rule(
        item=st.sampled_from(PARTS),
        lot=st.integers(1, 3),
        much=st.integers(1, 60),
        day=st.integers(1, 3),
    )
    def stock_arrives(self, item: str, lot: int, much: int, day: int) -> None:
        # an expiry is the lot's for good
        day = self.books.age.get((item, f"{item}{lot}"), (day, 0))[0]
        receive(_now, self.books, item, lot, much, day)

    @rule(order=st.sampled_from(sorted(ORDERS)), good=COUNTS, scrap=st.integers(0, 2))
    def report_for_an_answer(self, order: str, good: int, scrap: int) -> None:
        name = f"R{len(self.sent):03}"
        message = body(order, good, scrap) | {"source": "mes", "report_id": name}
        self.sent[name] = ("report", message)
        said = one(_now, "select artery_api_v1.production_report(%s)", json.dumps(message))
        assert said["status"] == self.books.report(name, order, good, scrap)
        if said["status"] == "parked":
            self.waiting.append(name)

    @rule(order=st.sampled_from(sorted(ORDERS)), good=COUNTS, scrap=st.integers(0, 2))
    def report_into_the_buffer(self, order: str, good: int, scrap: int) -> None:
        name = f"R{len(self.sent):03}"
        self.sent[name] = ("report", body(order, good, scrap))
        self.waiting.append(name)
        insert(_now, name, self.sent[name][1])

    @rule(data=st.data())
    def reversal_into_the_buffer(self, data: st.DataObject) -> None:
        if self.sent:
            target = data.draw(st.sampled_from(sorted(self.sent)))
            name = f"R{len(self.sent):03}"
            self.sent[name] = ("reversal", {"kind": "reversal", "reverses": target})
            self.waiting.append(name)
            insert(_now, name, self.sent[name][1])

    @rule(data=st.data())
    def the_same_again(self, data: st.DataObject) -> None:
        if self.sent:
            name = data.draw(st.sampled_from(sorted(self.sent)))
            insert(_now, name, self.sent[name][1])

    @rule()
    def the_buffer_is_processed(self) -> None:
        process(_now)
        batch = sorted(self.waiting, key=lambda name: self.sent[name][0] == "reversal")
        # a reversal of what the batch itself posts finds no order yet: it is refused
        before = set(self.books.posted)
        self.waiting = []
        for name in sorted(batch, key=lambda n: (self.sent[n][0] == "reversal", n)):
            kind, message = self.sent[name]
            if kind == "report":
                counts = (int(message["good"]), int(message["scrap"]))
                state = self.books.report(name, message["mo_no"], *counts)
            elif message["reverses"] in before:
                state = self.books.reverse(name, message["reverses"])
            else:
                state = self.books.states[name] = "rejected"
            if state == "parked":
                self.waiting.append(name)

    @invariant()
    def the_same_as_the_model(self) -> None:
        if hasattr(self, "books"):
            compare(_now, self.books)

    def teardown(self) -> None:
        _now.execute("rollback")


@pytest.mark.one_server
def test_every_history_is_as_the_model_says(
    here: psycopg.Connection, request: pytest.FixtureRequest
) -> None:
    run(
        Factory,
        settings=settings(
            max_examples=400 if request.config.getoption("--long") else 25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def totals(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        """
        select 'stock', item_code || warehouse_code, sum(quantity)
        from artery_erp.stock_balance group by 2
        union all
        select 'line', mo_no || line_no, issued from artery_erp.manufacturing_order_line
        union all
        select 'made', mo_no, good + scrap from artery_erp.manufacturing_order order by 1, 2
        """
    ).fetchall()


@pytest.mark.one_server
def test_any_order_of_arrival_ends_as_the_sorted_one(here: psycopg.Connection) -> None:
    """Shuffled, repeated, in pieces, before the stock that they need: in the end the same."""

    @given(
        seed=st.integers(0, 10**6),
        reports=st.lists(
            st.tuples(st.sampled_from(["MO-1", "MO-2"]), st.integers(0, 3), st.integers(0, 2)),
            max_size=10,
        ),
        shuffle=st.randoms(use_true_random=False),
    )
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def check(seed: int, reports: list[tuple[str, int, int]], shuffle: random.Random) -> None:
        messages = [(f"R{n}", body(*report)) for n, report in enumerate(reports)]
        again = [*messages, *(m for m in messages if shuffle.random() < 0.5)]
        shuffle.shuffle(again)
        ends = []
        for arrival, piece in ((messages, 100), (again, 3)):
            here.execute("begin")
            books = build(here, random.Random(seed))
            early = piece == 100
            for part in PARTS if early else []:
                receive(here, books, part, 1, 10_000, 1)
            for n, (name, message) in enumerate(arrival, start=1):
                insert(here, name, message)
                if n % piece == 0:
                    process(here)
            for part in [] if early else PARTS:
                receive(here, books, part, 1, 10_000, 1)
            process(here)
            left = one(here, f"select count(*) from {INBOX} where status <> 'processed'")
            assert left == 0
            ends.append(totals(here))
            here.execute("rollback")
        assert ends[0] == ends[1]

    check()
