"""The act of the suppliers: orders out, a counter-proposal and shipping notices in."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pg_artery.demo.mes import BASE_PATH
from pg_artery.demo.processes import Child
from pg_artery.demo.report import Report
from pg_artery.demo.stage import Row, Stage

#: supplier -> its order: number, and lines of number, item, quantity
ORDERS: dict[str, tuple[str, list[tuple[int, str, int]]]] = {
    "SEALCO": ("PO-5001", [(10, "SEAL-MG1", 200), (20, "ORING-120", 400)]),
    "BEARINGS": ("PO-5002", [(10, "BRG-6205", 300)]),
}
GRANT = {
    "SEALCO": "select artery_procurement.grant_supplier('demo_sealco', 'SEALCO')",
    "BEARINGS": "select artery_procurement.grant_supplier('demo_bearings', 'BEARINGS')",
}


def buy(stage: Stage, out: Report) -> None:
    """Approve orders; the suppliers answer, ship, and see each only what is theirs."""
    out.act("Suppliers get their orders, and say what is on its way")
    record = stage.directory / "suppliers.jsonl"
    cloud = Child(["pg_artery.demo.supplier_cloud", "0", str(record)],
                  stage.directory / "suppliers.log")  # fmt: skip
    stage.on_exit(cloud.stop)
    stage.look("supplier_cloud", url=f"http://127.0.0.1:{cloud.first_line()}{BASE_PATH}")
    today: datetime = stage.ask("hour")["now"]
    for supplier, (po_no, lines) in ORDERS.items():
        stage.ask("new_supplier", supplier=supplier)
        stage.ask("new_po", supplier=supplier, po_no=po_no, due_at=today + timedelta(days=12),
                  lines=json.dumps(lines))  # fmt: skip
    approved = {po_no: stage.ask("approve_po", po_no=po_no)["xid"] for po_no, _ in ORDERS.values()}
    stage.wait("the orders to be acknowledged", lambda: _acknowledged(stage, 2))
    received = {line["order"]["po_no"]: line for line in _record(record)}
    out.say("Two purchase orders are approved. The supplier cloud has them, milliseconds after "
            "the commit:")  # fmt: skip
    out.table("pushed", [
        {
            "po_no": po_no, "supplier": received[po_no]["order"]["supplier"],
            "version": received[po_no]["order"]["version"],
            "lines": len(received[po_no]["order"]["lines"]),
            "commit → received, ms": 1000 * (
                received[po_no]["at"] - stage.ask("committed_at", xid=xid)["at"]),
        }
        for po_no, xid in approved.items()
    ])  # fmt: skip

    sealco = stage.partner("demo_sealco", GRANT["SEALCO"])
    bearings = stage.partner("demo_bearings", GRANT["BEARINGS"])
    _counter(stage, out, sealco, today)
    _ship(stage, out, sealco, bearings, today)
    _look_around(stage, out, sealco)
    stage.ask("receive_asn", supplier="SEALCO", asn_no="ASN-77", warehouse="RAW")
    out.say("The truck with ASN-77 is at the gate: artery_procurement.receive_asn books it in, by "
            "lot. The outlook now:")  # fmt: skip
    out.table("outlook_after", _outlook(stage))
    cloud.stop()


def _counter(stage: Stage, out: Report, sealco: psycopg.Connection[Row], today: datetime) -> None:
    later = (today + timedelta(days=15)).isoformat()
    _send(sealco, "submit_po_reply", message_id="AB-1", po_no="PO-5001", version=1,
          reply="counter", reason="short of carbide", replied_at=today.isoformat(),
          lines=[{"line_no": 10, "quantity": "180", "due_at": later}])  # fmt: skip
    version = stage.ask("accept_reply", supplier="SEALCO", reply_no="AB-1")["version"]
    stage.wait("the change to be acknowledged", lambda: _acknowledged(stage, 3))
    out.say("SEALCO proposes 180 seals instead of 200, three days later. The buyer accepts: the "
            f"order changes, and version {version} tells SEALCO so.")  # fmt: skip
    out.table("replies", stage.look("po_status"))


def _ship(stage: Stage, out: Report, sealco: psycopg.Connection[Row],
          bearings: psycopg.Connection[Row], today: datetime) -> None:  # fmt: skip
    soon, next_week = (today + timedelta(days=d) for d in (2, 7))
    common = {"shipped_at": today.isoformat(), "carrier": "Rail & Road"}
    seals = {"po_no": "PO-5001", "po_line_no": 10, "item": "SEAL-MG1"}
    rings = {"po_no": "PO-5001", "po_line_no": 20, "item": "ORING-120", "quantity": "390"}
    first = common | {
        "asn_no": "ASN-77", "expected_at": soon.isoformat(),
        "lines": [
            seals | {"line_no": 1, "quantity": "60", "lot": "MG-1107",
                     "sscc": "376104250021234567", "best_before": "2036-12-31"},
            seals | {"line_no": 2, "quantity": "40", "lot": "MG-1108",
                     "outstanding_quantity": "80", "outstanding_reason": "carbide next week"},
            rings | {"line_no": 3, "outstanding_quantity": 0, "outstanding_reason": "end of lot"},
        ],
    }  # fmt: skip
    for _ in range(2):
        answer = _send(sealco, "submit_asn", **first)
    _send(bearings, "submit_asn", **common, asn_no="4711", expected_at=next_week.isoformat(),
          lines=[{"line_no": 1, "po_no": "PO-5002", "po_line_no": 10, "item": "BRG-6205",
                  "quantity": "330", "lot": "B-90"}])  # fmt: skip
    out.say(f"Both ship. ASN-77 comes twice and counts once ({answer['status']}); 10 O-rings will "
            "never come; 30 bearings too many are on the road.")  # fmt: skip
    out.table("po_lines", stage.look("po_lines"))
    out.say("What there is and what is to come, artery_erp.supply_outlook:")
    out.table("outlook", _outlook(stage))


def _look_around(stage: Stage, out: Report, sealco: psycopg.Connection[Row]) -> None:
    """Count what a supplier sees of each relation beside what there is."""
    everything, own = stage.seen(stage.erp), stage.seen(sealco)
    rows = [{"relation": name, "the ERP sees": n, "SEALCO sees": own[name]}
            for name, n in everything.items()]  # fmt: skip
    out.say("Row-level security: SEALCO's own login, in psql:")
    out.table("row_level_security", rows)


def _outlook(stage: Stage) -> list[Row]:
    return stage.look("supply_outlook", items=["SEAL-MG1", "ORING-120", "BRG-6205"])


def _acknowledged(stage: Stage, count: int) -> bool:
    return bool(stage.ask("po_acknowledged")["n"] == count)


def _send(connection: psycopg.Connection[Row], function: str, **body: Any) -> Row:
    query = f"select artery_api_v1.{function}(%s) as answer".encode()
    row = connection.execute(query, [Jsonb(body)]).fetchone()
    return dict(row["answer"]) if row else {}


def _record(file: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]
