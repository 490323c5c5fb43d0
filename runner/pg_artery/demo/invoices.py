"""The acts of the tax cloud: a shipment is invoiced, the cloud goes down, goods come back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from psycopg.conninfo import make_conninfo

from pg_artery.demo import DemoError
from pg_artery.demo.processes import Service
from pg_artery.demo.report import Report
from pg_artery.demo.stage import Row, Stage

#: shipment -> lines of item, quantity, price, discount
SHIPMENTS: dict[str, list[list[str]]] = {
    "SH-7001": [["CP40", "4", "4980", "996"], ["SEAL-MG1", "8", "64.50"]],
    "SH-7002": [["SEAL-MG1", "20", "64.50"]],
    "SH-7003": [["CP40", "1", "5050"]],
}
UNANSWERED = "SH-7004"
WHILE_DOWN = ("SH-7005", "SH-7006", "SH-7007", "SH-7008")
ONE_PUMP = [["CP40", "1", "5050"]]
#: seconds until the gateway's open breaker lets a probe through; 15 by default
PROBE_EVERY = 2


def invoice(stage: Stage, out: Report) -> None:
    """Post shipments: invoice numbers and files come by themselves."""
    out.act("Shipments are invoiced")
    cloud = stage.tax_cloud = Service("pg_artery.demo.tax_gateway", stage.directory)
    stage.on_exit(cloud.stop)
    stage.ask("tax_data")
    stage.look("tax_gateway", url=cloud.base_url)
    stage.look("tax_breaker", open_for=PROBE_EVERY)
    out.say(f"A tax gateway listens on {cloud.base_url}; select artery_tax.setup_gateway('…') made "
            "its endpoint and routes")  # fmt: skip
    committed = {shipment: _ship(stage, shipment, lines) for shipment, lines in SHIPMENTS.items()}
    rows = _wait_issued(stage, *SHIPMENTS)
    table = [
        {
            **{name: row[name] for name in ("shipment", "order_no", "invoice_no", "tax", "total")},
            "posted → number, ms": 1000 * (row["answered"] - committed[row["shipment"]]),
        }
        for row in rows
    ]  # fmt: skip
    out.table("invoices", table)
    out.fact("slowest_ms", round(max(row["posted → number, ms"] for row in table), 3))
    first = rows[0]
    files = stage.wait("the invoice's files", lambda: _attached(stage, first["order_no"]))
    out.say(
        f"Its files follow as tasks of their own. artery_tax.invoice_files('{first['order_no']}'):"
    )
    out.table("files", files)
    _read(stage, out, next(file for file in files if file["kind"] == "pdf"), first["invoice_no"])


def tax_outage(stage: Stage, out: Report) -> None:
    """Lose an answer, then the whole gateway: shipments go on, nothing is issued twice."""
    out.act("The tax cloud is down")
    cloud = stage.tax_cloud
    cloud.tell("mood", "reset")
    _ship(stage, UNANSWERED, ONE_PUMP)
    stage.wait("the answer to be missed", lambda: _calls(stage, UNANSWERED)["requests"])
    cloud.tell("mood", "good")
    out.say(f"The gateway issued the invoice of {UNANSWERED}, and its connection broke before it "
            "could say so. Then it is stopped;")  # fmt: skip
    cloud.stop()
    began = time.monotonic()
    for shipment in WHILE_DOWN:
        _ship(stage, shipment, ONE_PUMP)
    seconds = time.monotonic() - began
    out.say(f"{len(WHILE_DOWN)} shipments are posted all the same, in {1000 * seconds:.0f} ms.")

    def tried() -> list[Row]:
        rows = stage.look("invoices", shipments=[*WHILE_DOWN, UNANSWERED])
        return rows if all(row["attempts"] and row["task"] == "failed" for row in rows) else []

    names = ("shipment", "order_no", "status", "task", "attempts", "error_class")
    waiting = stage.wait("the calls to fail", tried)
    out.table("gateway_down", [{name: row[name] for name in names} for row in waiting])
    cloud.start()
    back = time.monotonic()
    rows = _wait_issued(stage, UNANSWERED, *WHILE_DOWN)
    out.say(f"Started it again; {time.monotonic() - back:.1f} s later all have their numbers.")
    calls = _calls(stage, UNANSWERED)
    out.say(f"{UNANSWERED}: requests {calls['requests']}, questions by its Request-ID "
            f"{calls['questions']}. Nothing is sent again blindly.")  # fmt: skip
    issued = Counter(entry["request_id"] for entry in _record(cloud.record))
    out.table("gateway_back", [
        {**{name: row[name] for name in ("shipment", "order_no", "status", "invoice_no")},
         "issued by the gateway": issued[row["request_id"]]}
        for row in rows
    ])  # fmt: skip
    out.fact("unanswered", calls)


def take_back(stage: Stage, out: Report) -> None:
    """Take one pump of an invoice back: a confirmation, then the red invoice."""
    out.act("Goods come back: a red invoice")
    blue = stage.look("invoices", shipments=["SH-7001"])[0]
    red = stage.ask("take_back", order_no=blue["order_no"])["answer"]["order_no"]
    row = stage.wait("the red invoice", lambda: _red(stage, red))
    out.say("One pump of SH-7001 came back. artery_api_v1.red_letter asked for the confirmation, "
            "then for the red invoice:")  # fmt: skip
    out.table("history", stage.look("invoice_history", orders=[blue["order_no"], red]))
    out.table("left", stage.look("red_left", order_no=blue["order_no"]))
    out.fact("red", row)


def prove_invoices(stage: Stage) -> dict[str, bool]:
    """Compare the ERP's invoices with the gateway's own record."""
    record = _record(stage.tax_cloud.record)
    issued = {entry["answer"]["orderNo"]: entry["answer"]["invoiceNo"] for entry in record}
    ours = {row["order_no"]: row["invoice_no"] for row in stage.look("all_invoices")}
    return {
        "the ERP's invoice numbers are the gateway's, one an order": ours == issued
        and len(issued) == len(record),
        "no Request-ID made two invoices": len({e["request_id"] for e in record}) == len(record),
        "every shipment has its invoice": {*SHIPMENTS, UNANSWERED, *WHILE_DOWN}
        == {row["source"] for row in stage.look("all_invoices") if row["kind"] == "blue"},
    }


def _ship(stage: Stage, shipment: str, lines: list[list[str]]) -> float:
    """Post a shipment; gives when that was committed, in seconds since 1970."""
    stage.ask("new_shipment", shipment=shipment)
    stage.ask("new_shipment_lines", shipment=shipment, lines=json.dumps(lines))
    xid = stage.ask("post_shipment", shipment=shipment)["xid"]
    return float(stage.ask("committed_at", xid=xid)["at"])


def _wait_issued(stage: Stage, *shipments: str) -> list[Row]:
    def issued() -> list[Row]:
        rows = stage.look("invoices", shipments=list(shipments))
        return rows if all(row["status"] == "issued" for row in rows) else []

    return stage.wait(f"the invoices of {', '.join(shipments)}", issued)


def _attached(stage: Stage, order_no: str) -> list[Row]:
    files = stage.look("invoice_files", order_no=order_no)
    return files if files and all(file["status"] == "attached" for file in files) else []


def _red(stage: Stage, order_no: str) -> Row:
    row = stage.look("red_invoice", order_no=order_no)[0]
    return row if row["status"] == "issued" else {}


def _calls(stage: Stage, shipment: str) -> Row:
    orders = [row["order_no"] for row in stage.look("invoices", shipments=[shipment])]
    return stage.look("invoice_calls", orders=orders)[0]


def _record(file: Path) -> list[Row]:
    """Give what the gateway has issued, by its own record."""
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    return [e for e in entries if e["kind"] == "invoice" and e["answer"]["status"] == "issued"]


def _read(stage: Stage, out: Report, file: Row, number: str) -> None:
    """Get the PDF as a person would, and open it."""
    pdf = stage.directory / f"{number}.pdf"
    dsn = make_conninfo(stage.dsn, user="demo_admin")
    command = ["attachment", "get", str(file["attachment_id"]), "--output", str(pdf)]
    done = subprocess.run(
        [sys.executable, "-m", "pg_artery", *command, "--dsn", dsn], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise DemoError(f"artery attachment get: {done.stderr}")
    program = shutil.which("pdftotext")
    if program is None:
        out.say(f"artery {' '.join(command[:3])} wrote it; pdftotext, which "
                "would open it, is not installed")  # fmt: skip
        out.fact("pdf", None)
        return
    text = subprocess.run(
        [program, "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout
    if number not in text:
        raise DemoError(f"the PDF of invoice {number} does not name it: {text}")
    out.say(
        f"artery {' '.join(command[:3])} --output invoice.pdf && pdftotext -layout invoice.pdf -"
    )
    out.note("".join(f"  {line}\n" for line in text.rstrip().splitlines()).rstrip())
    out.fact("pdf", text)
