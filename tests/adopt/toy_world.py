"""A small ERP of somebody else's: its own schema, owner and rules, in the database of pg_artery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

TOY = (Path(__file__).parent / "toy_erp.sql").read_text()
LINK = (Path(__file__).parent / "toy_link.sql").read_text()
REPORTS = "artery_staging.mes_production_report"
EVENTS = "artery_staging.erp_order_event"


class Toy:
    """The ERP as its owner uses it, and what pg_artery made of it."""

    def __init__(self, conn: psycopg.Connection, owner: psycopg.Connection) -> None:
        self.conn, self.owner = conn, owner

    def adopt(self, report: str = "toy.post_report") -> None:
        self.conn.execute("select artery_erp.adopt('production_order', 'toy.production_order')")
        self.conn.execute("select artery_erp.adopt('production_report', %s)", (report,))
        self.conn.execute("select artery_mes.setup_mes('http://127.0.0.1:9/api/v1')")

    def order(self, code: str, amount: int = 10, state: str = "R") -> None:
        self.owner.execute(
            "insert into toy.work_order (code, product, amount, state) values (%s, 'BIKE', %s, %s)",
            (code, amount, state),
        )
        self.owner.execute(
            "insert into toy.work_order_part select o.id, 1, 'WHEEL', 2 from toy.work_order as o "
            "where o.code = %s",
            (code,),
        )

    def sweep(self, table: str = EVENTS) -> None:
        self.conn.execute("select artery_staging.process(%s)", (table,))

    def rows(self, query: str, *values: Any) -> list[Any]:
        return self.conn.execute(query, values or None).fetchall()

    def told(self, code: str) -> list[tuple[int, str, str]]:
        """What the MES is to hear of an order: version, action, quantity."""
        return self.rows(
            "select (t.body::jsonb ->> 'version')::integer, t.body::jsonb ->> 'action', "
            "t.body::jsonb ->> 'quantity' from artery.integration_task as t "
            "where t.document_id = %s and t.topic like 'mes.mo.%%' order by t.id",
            code,
        )

    def report(self, report_id: str, mo_no: str, good: str, **more: Any) -> dict[str, Any]:
        """Send a report as the MES does, and give the answer."""
        body = {"source": "mes", "report_id": report_id, "mo_no": mo_no, "good": good, **more}
        return self.rows("select artery_api_v1.production_report(%s)", Jsonb(body))[0][0]

    def booked(self, code: str) -> list[tuple[str, int]]:
        """What the ERP's own table says was finished."""
        return self.rows(
            "select f.report, f.pieces from toy.finished as f join toy.work_order as o "
            "on o.id = f.order_id where o.code = %s order by f.id",
            code,
        )

    def findings(self) -> list[tuple[str, str, str]]:
        return self.rows(
            "select c.part, c.severity, c.problem from artery_monitor.check_adoption() as c"
        )
