"""A factory for the tests of production reports: overlapping components, orders, stock."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import psycopg

INBOX = "artery_staging.mes_production_report"

MASTER = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.warehouse (code, name, kind, negative_stock)
values ('FG', 'finished', 'finished', 'shortage'), ('LINE', 'line', 'line_side', 'shortage'),
    ('MAIN', 'main', 'stock', 'shortage');
"""


def build(
    conn: psycopg.Connection,
    rng: random.Random,
    *,
    products: int = 8,
    components: int = 12,
    lines: int = 3,
    orders: int = 16,
    quantity: int = 1_000_000,
    stock: str = "100000000",
) -> list[str]:
    """Make it; gives the numbers of the orders. Every second component comes in two lots."""
    conn.execute(MASTER)
    for n in range(components):
        conn.execute(
            "insert into artery_erp.item (code, name, status, source, stock_unit, lot_tracked)"
            " values (%s, 'c', 'released', 'buy', 'KG', %s)",
            (f"C{n:02}", n % 2 == 1),
        )
    for n in range(products):
        code = f"P{n:02}"
        conn.execute(
            "insert into artery_erp.item (code, name, status, source, stock_unit)"
            " values (%s, 'p', 'released', 'make', 'EA')",
            (code,),
        )
        bom = one(
            conn,
            "insert into artery_erp.bom (item_code, revision, status, unit)"
            " values (%s, '1', 'released', 'EA') returning id",
            code,
        )
        for number, part in enumerate(rng.sample(range(components), lines), start=1):
            conn.execute(
                "insert into artery_erp.bom_line"
                " (bom_id, line_no, component_code, quantity, unit, scrap_rate)"
                " values (%s, %s, %s, %s, 'KG', 0.05)",
                (bom, number * 10, f"C{part:02}", rng.randint(1, 999) / 1000),
            )
    numbers = [f"MO-{n:03}" for n in range(orders)]
    for number in numbers:
        conn.execute(
            "insert into artery_erp.manufacturing_order"
            " (mo_no, item_code, quantity, unit, receive_warehouse, line_warehouse)"
            " values (%s, %s, %s, 'EA', 'FG', 'LINE')",
            (number, f"P{rng.randrange(products):02}", quantity),
        )
        conn.execute("select artery_erp.release_manufacturing_order(%s)", (number,))
    for n in range(components):
        for lot in [f"L{n}A", f"L{n}B"] if n % 2 else [None]:
            receive_stock(conn, f"C{n:02}", "LINE", stock, lot)
    return numbers


def one(conn: psycopg.Connection, statement: str, *arguments: object) -> Any:
    """The first value that a statement gives."""
    row = conn.execute(statement.encode(), arguments).fetchone()
    assert row is not None
    return row[0]


def receive_stock(
    conn: psycopg.Connection, item: str, warehouse: str, quantity: str, lot: str | None = None
) -> None:
    """Post stock that comes in."""
    move = {"item": item, "warehouse": warehouse, "quantity": quantity, "lot": lot}
    conn.execute(
        "select artery_erp.post_stock('receipt', 'test', 'stock', %s)", (json.dumps([move]),)
    )


def buffer(conn: psycopg.Connection, reports: Sequence[dict[str, Any]]) -> None:
    """Put reports into the inbox, as a partner does."""
    with conn.cursor() as cursor:
        cursor.executemany(
            f"insert into {INBOX} (source, message_id, body) values ('mes', %s, %s)"
            " on conflict do nothing",
            [(report["report_id"], json.dumps(report)) for report in reports],
        )


def check_books(conn: psycopg.Connection) -> None:
    """What must hold at any moment of a committed database."""
    assert conn.execute("select * from artery_erp.stock_reconciliation").fetchall() == []
    wrong = conn.execute(
        """
        select l.mo_no, l.line_no, l.issued, sum(m.covers)
        from artery_erp.manufacturing_order_line as l
        left join artery_mes.production_report as r on r.mo_no = l.mo_no
        left join artery_erp.stock_move as m
            on m.posting_id = r.posting_id and m.document_line = l.line_no
        group by l.mo_no, l.line_no having l.issued <> coalesce(sum(m.covers), 0)
        """
    ).fetchall()
    assert wrong == [], "what lines were issued is not what their moves say"
    wrong = conn.execute(
        """
        select mo.mo_no, mo.good, sum(r.good) from artery_erp.manufacturing_order as mo
        left join artery_mes.production_report as r on r.mo_no = mo.mo_no and r.final
        group by mo.mo_no having mo.good <> coalesce(sum(r.good), 0)
        """
    ).fetchall()
    assert wrong == [], "what orders count is not what their reports say"


def check_cumulative(conn: psycopg.Connection) -> None:
    """Issued = required for all that was received, line by line; for orders never reversed."""
    wrong = conn.execute(
        """
        select l.mo_no, l.line_no, l.issued from artery_erp.manufacturing_order_line as l
        inner join artery_erp.manufacturing_order as mo using (mo_no)
        where mo.good + mo.scrap > 0
            and l.issued <> artery_erp.round_up(
                (mo.good + mo.scrap) * l.quantity, l.base_quantity, false)
        """
    ).fetchall()
    assert wrong == []
