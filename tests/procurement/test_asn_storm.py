"""Many sessions at once: notices of the same orders in all orders, and a buyer who changes them."""

from __future__ import annotations

import random
import threading
from collections import Counter

import psycopg
import pytest
from psycopg.types.json import Jsonb

SESSIONS, ORDERS, NOTICES = 8, 4, 60
MASTER = """
insert into artery_erp.unit (code, name, dimension) values ('KG', 'kilogram', 'mass');
insert into artery_erp.item (code, name, status, source, stock_unit)
values ('RESIN', 'resin', 'released', 'buy', 'KG');
insert into artery_erp.supplier (code, name) values ('ACME', 'Acme');
"""


@pytest.mark.one_server
def test_parallel_notices_deadlock_never_and_end_as_one_after_the_other(conn, dsn, request) -> None:
    rng = random.Random(6)
    factor = 10 if request.config.getoption("--long") else 1
    conn.execute(MASTER)
    for n in range(ORDERS):
        conn.execute(
            "insert into artery_erp.purchase_order (supplier_code, po_no) values ('ACME', %s)",
            (f"PO-{n}",),
        )
        conn.execute(
            "insert into artery_erp.purchase_order_line"
            " (supplier_code, po_no, line_no, item_code, quantity, unit)"
            " select 'ACME', %s, n, 'RESIN', 1000, 'KG' from generate_series(1, 3) as n",
            (f"PO-{n}",),
        )
    conn.execute("update artery_erp.purchase_order set status = 'approved'")
    shipped: Counter[tuple[str, int]] = Counter()
    bodies = []
    for number in range(NOTICES * factor):
        lines = [
            {"line_no": k, "po_no": f"PO-{rng.randrange(ORDERS)}", "po_line_no": rng.randint(1, 3),
             "item": "RESIN", "quantity": rng.randint(1, 9)}
            for k in range(1, 6)
        ]  # fmt: skip
        for entry in lines:
            shipped[entry["po_no"], entry["po_line_no"]] += entry["quantity"]
        bodies.append({"supplier": "ACME", "asn_no": f"A-{number}", "message_id": f"A-{number}",
                       "shipped_at": "2030-01-01T00:00:00Z", "lines": lines})  # fmt: skip
    faults: list[str] = []

    def send(seed: int) -> None:
        mine = random.Random(seed).sample(bodies, len(bodies))
        with psycopg.connect(dsn, autocommit=True) as session:
            for n, body in enumerate(mine[: len(mine) // 2] if seed % 2 else mine):
                try:
                    row = session.execute(
                        "select artery_api_v1.submit_asn(%s) ->> 'status'", (Jsonb(body),)
                    ).fetchone()
                    if row != ("processed",):
                        faults.append(str(row))
                    if seed == 0 and n % 5 == 0:
                        session.execute(
                            "update artery_erp.purchase_order_line set quantity = quantity + 1"
                            " where po_no = %s and line_no = 2",
                            (f"PO-{n % ORDERS}",),
                        )
                except psycopg.Error as error:
                    faults.append(str(error))

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    stands = conn.execute(
        "select po_no, line_no, notified_quantity from artery_erp.purchase_order_line"
    )
    assert {(po, line): n for po, line, n in stands} == dict(shipped)
    versions = conn.execute(
        "select count(*) from artery_erp.purchase_order as o where o.untold or o.version <> ("
        "select max(d.version) from artery_procurement.po_dispatch as d where d.po_no = o.po_no)"
    )
    assert versions.fetchone() == (0,)
