"""A seller, a buyer, a tax gateway with moods, and ways to look at what became of invoices."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from pg_artery.demo.tax_cloud import TaxCloud
from pg_artery.demo.tax_gateway import BASE_PATH, serve

MASTER = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('EA', 'piece', 'count', true);
insert into artery_erp.item (code, name, status, source, stock_unit) values
('PUMP', 'pump', 'released', 'make', 'EA'), ('SEAL', 'seal', 'released', 'buy', 'EA');
insert into artery_erp.customer (code, name, tax_no) values
('C1', '上海水泵销售有限公司', '91310000123456789X');
insert into artery_tax.merchant (code, name, tax_no, drawer, is_default)
values ('US', '江苏泵业有限公司', '91320000987654321A', '李四', true);
insert into artery_tax.item_profile (item_code, name, tax_class_code, rate) values
('PUMP', '离心泵', '1090119010000000000', 0.13), ('SEAL', '密封圈', '0109011990000000019', 0.13);
"""
#: what a call may take is far below what the gateway's hanging takes
HASTE = """
update artery.endpoint
set connect_timeout = '300 ms', total_timeout = '1 s', first_byte_timeout = '900 ms',
    backoff_base = '50 ms', breaker_min_calls = 1000000, max_in_flight = 50, max_attempts = 6
where name = 'tax';
update artery.route set status_interval = '100 ms'
where status_path_template is not null and topic like 'tax.%';
update artery_tax.gateway_profile set query_every = '100 ms';
"""
ORDER_SAGA = """
insert into artery.saga_definition (name) values ('order');
insert into artery.saga_step
(saga, position, name, topic, function, undo_topic, undo_function) values
('order', 1, 'invoice', 'tax.invoice.issue', 'artery_tax.invoice_step',
 'tax.red.issue', 'artery_tax.red_issue'),
('order', 2, 'red confirmation', null, 'artery_tax.red_reserve',
 'tax.red.confirm', 'artery_tax.red_confirmation');
"""


class World:
    """A database and the gateway that its invoices go to."""

    def __init__(self, conn: psycopg.Connection, cloud: TaxCloud, port: int, gateway: Any) -> None:
        self.conn, self.cloud, self.gateway = conn, cloud, gateway
        self._shipments = 0
        conn.execute(MASTER)
        self.all("select artery_tax.setup_gateway(%s)", f"http://127.0.0.1:{port}{BASE_PATH}")
        conn.execute(HASTE)

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.conn.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        return self.all(query, *values)[0][0]

    def ship(self, *lines: tuple[str, str, str]) -> str:
        """Post a shipment of (item, quantity, price); gives its invoice's order number."""
        self._shipments += 1
        number = f"S-{self._shipments}"
        with self.conn.transaction():
            self.conn.execute(
                "insert into artery_erp.sales_shipment (shipment_no, customer_code)"
                " values (%s, 'C1')",
                (number,),
            )
            for line_no, line in enumerate(lines or [("PUMP", "10", "100")], 1):
                self.conn.execute(
                    "insert into artery_erp.sales_shipment_line"
                    " (shipment_no, line_no, item_code, quantity, unit, unit_price)"
                    " values (%s, %s, %s, %s, 'EA', %s)",
                    (number, line_no, *line),
                )
            answer = self.one(
                "select artery_api_v1.post_shipment(jsonb_build_object('shipment_no', %s::text))",
                number,
            )
        return answer["invoices"][0]["order_no"]

    def red(self, order_no: str, reason: str = "02", lines: Any = None) -> str:
        asked = None if lines is None else json.dumps(lines)
        return self.one("select artery_tax.red_letter(%s, %s, %s)", order_no, reason, asked)

    def status(self, order_no: str) -> str:
        return self.one("select status from artery_erp.ar_invoice where order_no = %s", order_no)

    def letter(self, order_no: str) -> str:
        return self.one("select status from artery_tax.red_letter where order_no = %s", order_no)

    def left(self, order_no: str) -> Any:
        return self.one("select quantity from artery_tax.red_left(%s) where line_no = 1", order_no)

    def files(self, order_no: str) -> dict[str, tuple[Any, ...]]:
        """Give, for each kind, its status, attachment and why there is none."""
        return {
            row[0]: row[1:]
            for row in self.all(
                "select kind, status, attachment_id, reason from artery_tax.invoice_files(%s)",
                order_no,
            )
        }

    def wait(self, what: str, ready: Callable[[], Any], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline, f"{what}: {self.open_tasks()}"
            time.sleep(0.02)

    def wait_status(self, order_no: str, status: str) -> None:
        self.wait(f"{order_no} {status}", lambda: self.status(order_no) == status)

    def open_tasks(self) -> list[Any]:
        return self.all(
            "select topic, document_id, status, error_class, error ->> 'message',"
            " handler_error ->> 'message' from artery.integration_task"
            " where status not in ('sent', 'compensated') or handler_status = 'failed' order by id"
        )

    def settled(self) -> bool:
        """Tell whether nothing is under way any more: no task, no saga."""
        return not self.one(
            "select exists (select from artery.integration_task where handler_status = 'failed'"
            " or status in ('pending', 'processing', 'failed')) or exists (select from artery.saga"
            " where status in ('running', 'compensating') and attention is null)"
        )

    def broken(self) -> list[Any]:
        """Give what contradicts a promise, by the database's own word."""
        return [
            *self.all("select * from artery_monitor.verify()"),
            *self.all("select * from artery.saga_violations"),
            *self.all(
                "select b.order_no from artery_erp.ar_invoice as b"
                " where b.kind = 'blue' and b.total < (select coalesce(-sum(r.total), 0)"
                " from artery_erp.ar_invoice as r"
                " where r.original_order_no = b.order_no and r.status <> 'cancelled')"
            ),
        ]


@contextmanager
def tax_world(conn: psycopg.Connection, *, strict: bool = True, **moods: Any) -> Iterator[World]:
    """Serve a gateway of its own while the block lasts."""
    cloud = TaxCloud(strict=strict)
    with serve(cloud, **moods) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield World(conn, cloud, server.server_address[1], server.RequestHandlerClass)
        server.shutdown()
