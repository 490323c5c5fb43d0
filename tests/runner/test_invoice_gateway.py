"""Invoices through a real runner to a tax gateway that acts and does not say so.

The gateway honours no Request-ID: a second call is a second invoice. So each invoice here is
issued once only if nothing is ever sent again that may have arrived.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from receiver import Receiver, response

pytestmark = pytest.mark.one_server

JSON = "Content-Type: application/json"
#: what a first call for an invoice may meet; the last two leave it to a person
WAYS = (
    "well", "late", "hangs", "resets", "fails", "loses", "refuses_once", "accepts", "works",
    "contradicts", "refuses",
)  # fmt: skip


class TaxGateway(Receiver):
    """Issues invoices, 数电票; `ways` says what the first call for an order number meets."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.ways: dict[str, str] = {}
        self.issued: dict[str, dict[str, Any]] = {}  # by Request-ID
        self.effects: Counter[str] = Counter()  # by order number
        self.posts: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def _issue(self, body: dict[str, Any], **changes: str) -> dict[str, Any]:
        with self._lock:
            self.effects[body["orderNo"]] += 1
            number = f"2431{sum(self.effects.values()):016}"
        told = {
            "status": "issued",
            "requestId": body["requestId"],
            "orderNo": body["orderNo"],
            "invoiceNo": number,
            "issuedAt": "2026-11-21 17:00:00",
            "buyerName": body["buyer"]["name"],
            "buyerTaxNo": body["buyer"]["taxNo"],
            "totalAmount": body["totalAmount"],
            "totalTax": body["totalTax"],
            "totalWithTax": body["totalWithTax"],
        }
        self.issued[body["requestId"]] = told | changes
        return self.issued[body["requestId"]]

    def _answer(self, peer: socket.socket, words: list[str], headers: dict[str, str]) -> bool:
        def say(told: dict[str, Any], status: int = 200, *more: str) -> bool:
            peer.sendall(response(json.dumps(told).encode(), status, JSON, *more))
            return True

        if words[:2] == ["invoices", "by-request"]:
            self.asked[words[2]] += 1
            told = self.issued.get(words[2])
            if told is None:
                return say({"title": "unknown"}, 404)
            busy = told.get("busy", 0)
            told["busy"] = busy - 1
            return say({"status": "processing"} if busy > 0 else told)
        name = headers["x-request-id"]
        body = next(
            json.loads(r.body) for r in reversed(self.requests) if r.headers["x-request-id"] == name
        )
        assert body["requestId"] == name
        self.posts[name] += 1
        way = self.ways.get(body["orderNo"], "well") if self.posts[name] == 1 else "well"
        match way:
            case "late":
                time.sleep(0.4)
            case "hangs":
                self._issue(body)
                time.sleep(1.5)
                return False
            case "resets":
                self._issue(body)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return False
            case "fails":
                self._issue(body)
                return say({}, 502)
            case "loses":
                return False
            case "refuses_once":
                return say({"title": "too many"}, 429, "Retry-After: 0")
            case "accepts" | "works":
                self._issue(body)["busy"] = 2
                return say({"status": "processing"}, 202 if way == "accepts" else 200)
            case "contradicts":
                return say(self._issue(body, totalTax="0.01"))
            case "refuses":
                return say({"status": "failed", "code": "E1", "message": "no such taxpayer"}, 422)
        return say(self._issue(body), 201)


@pytest.fixture
def gateway(conn: psycopg.Connection) -> Iterator[TaxGateway]:
    running = TaxGateway()
    conn.execute(
        "insert into artery_erp.unit (code, name, dimension) values ('EA', 'piece', 'count')"
    )
    conn.execute(
        "insert into artery_erp.item (code, name, status, source, stock_unit)"
        " values ('PUMP', 'pump', 'released', 'make', 'EA')"
    )
    conn.execute(
        "insert into artery_tax.item_profile (item_code, tax_class_code, rate)"
        " values ('PUMP', '1090119010000000000', 0.13)"
    )
    conn.execute(
        "insert into artery_erp.customer (code, name, tax_no)"
        " values ('C', '某某公司', '91310000123456789X')"
    )
    conn.execute(
        "insert into artery_tax.merchant (code, name, tax_no, is_default)"
        " values ('US', '我们', '91320000987654321A', true)"
    )
    conn.execute("select artery_tax.setup_gateway(%s)", (running.url,))
    conn.execute(
        "update artery.endpoint set backoff_base = '50 ms', connect_timeout = '300 ms',"
        " total_timeout = '1 s', breaker_min_calls = 100000, max_in_flight = 50"
    )
    conn.execute("update artery.route set status_interval = '200 ms'")
    conn.execute("update artery_tax.gateway_profile set query_every = '200 ms'")
    yield running
    running.close()


def ship(conn: psycopg.Connection, number: str) -> str:
    conn.execute(
        "insert into artery_erp.sales_shipment (shipment_no, customer_code) values (%s, 'C')",
        (number,),
    )
    conn.execute(
        "insert into artery_erp.sales_shipment_line"
        " (shipment_no, line_no, item_code, quantity, unit, unit_price)"
        " values (%s, 1, 'PUMP', 3, 'EA', 33.33)",
        (number,),
    )
    posted = conn.execute(
        "select artery_api_v1.post_shipment(jsonb_build_object('shipment_no', %s::text))"
        " #>> '{invoices,0,order_no}'",
        (number,),
    ).fetchone()
    assert posted is not None
    return str(posted[0])


def test_each_invoice_is_issued_once_whatever_the_gateway_does(
    dsn, conn, gateway, artery_run
) -> None:
    """Answers late, lost, wrong or none: one invoice a Request-ID, or a person is told."""
    seed = random.randrange(10**6)
    chosen = random.Random(seed)
    ways = [*WAYS, *(chosen.choice(WAYS) for _ in range(29))]
    artery_run(dsn).wait_started()
    with conn.transaction():
        orders = {ship(conn, f"S-{n}"): way for n, way in enumerate(ways)}
        gateway.ways = orders
    done = {"contradicts": "requested", "refuses": "refused"}
    expected = Counter(done.get(way, "issued") for way in orders.values())
    deadline = time.monotonic() + 60
    while True:
        rows = conn.execute(
            "select order_no, status, invoice_no, request_id::text, response ->> 'invoiceNo'"
            " from artery_erp.ar_invoice"
        ).fetchall()
        open_tasks = conn.execute(
            "select count(*) from artery.integration_task where status in"
            " ('pending', 'processing', 'failed')"
        ).fetchone()
        if Counter(status for _, status, *_ in rows) == expected and open_tasks == (0,):
            break
        assert time.monotonic() < deadline, (seed, rows)
        time.sleep(0.05)

    for order, status, number, request_id, answered in rows:
        way = orders[order]
        label = f"seed {seed}: {order} {way}"
        assert status == done.get(way, "issued"), label
        assert gateway.effects[order] == (way != "refuses"), label
        if status == "issued":
            assert number == answered == gateway.issued[request_id]["invoiceNo"], label
            assert len(number) == 20
        if way in ("hangs", "resets", "fails", "accepts", "works"):
            assert gateway.posts[request_id] == 1, f"{label}: sent again, though it had arrived"
            assert gateway.asked[request_id] >= 1, label
        if way == "loses":
            assert gateway.posts[request_id] == 2, f"{label}: sent again, since it was never seen"
    sent = [json.loads(r.body)["lines"][0] for r in gateway.requests if r.method == "POST"]
    assert {line["taxClassCode"] for line in sent} == {"1090119010000000000"}, "19 digits, as text"
    assert {line["amount"] for line in sent} == {"99.99"}, "money, as text"
    alarms = conn.execute(
        "select order_no, differences #>> '{0,field}' from artery_tax.invoice_alarm"
    ).fetchall()
    wrong = sorted(order for order, way in orders.items() if way == "contradicts")
    assert sorted(alarms) == [(order, "tax") for order in wrong]
    assert not conn.execute("select * from artery_monitor.verify()").fetchall()


def test_listeners_hear_of_it_at_commit_and_a_rollback_leaves_nothing(
    dsn, conn, connect, gateway
) -> None:
    listener: psycopg.Connection = connect()
    listener.execute("listen invoice_request")
    with conn.transaction():
        ship(conn, "S-1")
        raise psycopg.Rollback
    left = conn.execute(
        "select (select count(*) from artery_erp.ar_invoice)"
        " + (select count(*) from artery.integration_task)"
    ).fetchone()
    assert left == (0,)
    order = ship(conn, "S-2")
    heard = [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    assert heard == [order]


def test_while_the_gateway_is_down_shipments_go_on(dsn, conn, gateway, artery_run) -> None:
    """Nothing is lost, nothing waits for it, and all are issued once when it is back."""
    port = gateway.port
    gateway.close()
    artery_run(dsn).wait_started()
    orders = [ship(conn, f"S-{n}") for n in range(10)]
    time.sleep(0.5)
    assert conn.execute(
        "select count(*) from artery_erp.ar_invoice where status = 'requested'"
    ).fetchone() == (10,)

    back = TaxGateway(port)
    deadline = time.monotonic() + 30
    while conn.execute(
        "select count(*) from artery_erp.ar_invoice where status = 'issued'"
    ).fetchone() != (10,):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    back.close()
    assert back.effects == Counter(orders)
