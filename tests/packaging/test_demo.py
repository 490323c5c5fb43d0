"""The demo: it ends with a proof that can fail, and leaves nothing behind unless asked to."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pg_artery.demo.proof import Ledger
from pg_artery.demo.record import Receipt, read_record
from pg_artery.servers import Server

DEMO = [sys.executable, "-m", "pg_artery", "demo"]


def _environment(server: Server, directory: Path) -> dict[str, str]:
    return os.environ | {"ARTERY_SERVER": server.kind, "TMPDIR": str(directory)}


def _demo_processes(directory: Path) -> set[int]:
    """The pids of all MES and runners that the demo with this TMPDIR started."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            child = b"pg_artery.demo.child" in (process / "cmdline").read_bytes()
            if child and f"TMPDIR={directory}\0".encode() in (process / "environ").read_bytes():
                found.add(int(process.name))
        except OSError:
            continue
    return found


def test_the_proof_holds_and_a_kept_database_can_be_looked_at_and_removed(
    server: Server, short_directory: Path
) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [*DEMO, "--json", "--keep"],
        env=_environment(server, short_directory),
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["holds"] is True
    figures = report["figures"]
    assert figures["released"] == figures["sent"] == figures["received"] == 26
    assert figures["repeats"] >= 6, "the runner was killed after the MES had taken six orders"
    assert figures["effects_of_repeats"] == 0
    acts = {name: act for act in report["acts"] for name in act}
    assert acts["sqlstate"]["sqlstate"] == "IN101"
    assert sum(row["attempts"] for row in acts["waiting"]["waiting"]) >= 18
    breaker = [row["breaker"] for row in acts["breaker"]["breaker"]]
    assert breaker[0] == "closed → open"
    assert breaker[-1] == "half_open → closed"
    assert {row["took effect"] for row in acts["recovered"]["recovered"]} == {1}
    reports = {row["report"]: row["status"] for row in acts["reports"]["reports"]}
    assert reports == {
        "R-1": "processed", "R-2": "processed", "R-3": "processed", "R-4": "processed",
        "R-5": "parked", "R-6": "rejected", "R-7": "rejected",
    }  # fmt: skip
    # 41 stators at 6.85 kg + 28 %, 40 rotors at 2.9 kg + 28 %, of 600 kg
    stock = {(row["item_code"], row["lot"]): row for row in acts["stock"]["stock"]}
    assert stock["STEEL-M400", "H-4711"]["after"] == "0"
    assert stock["STEEL-M400", "H-4712"]["after"] == "92.032"
    assert stock["CP40-MOT", "M-0301"]["after"] == "40"
    assert stock["BRONZE-RG7", "Z-9"]["after"] == "100", "the report that took it was reversed"
    into = {(row["item_code"].strip(), row["lot_no"]) for row in acts["genealogy"]["genealogy"]}
    assert {("CP40-STA", "S-0302"), ("STEEL-M400", "H-4711"), ("CU-08", "C-88")} <= into
    assert acts["reconciliation"]["reconciliation"] == 0
    # 431 of 480 minutes; 5,619 pieces at 4 s in them; 5,577 of them good
    oee = acts["oee"]["oee"][0]
    parts = [oee[part].strip() for part in ("availability", "effectiveness", "quality", "oee")]
    assert parts == ["0.898", "0.869", "0.993", "0.775"]
    assert {row["SEALCO sees"] < row["the ERP sees"] for row in
            acts["row_level_security"]["row_level_security"]} == {True}  # fmt: skip
    lines = {(row["po_no"], row["line"]): row for row in acts["po_lines"]["po_lines"]}
    assert [lines["PO-5001", 20][name] for name in ("shipped", "short")] == ["390", "10"]
    assert lines["PO-5002", 10]["over"] == "30"
    outlook = acts["outlook_after"]["outlook_after"]
    seals = [row["expected"] for row in outlook if row["item_code"] == "SEAL-MG1"]
    assert seals == ["100", "180"]
    assert acts["slowest_ms"]["slowest_ms"] < 1000, "from the shipment to the invoice's number"
    assert {row["status"] for row in acts["files"]["files"]} == {"attached"}
    invoices = acts["invoices"]["invoices"]
    assert invoices[0]["total"] == "21967.20"
    if shutil.which("pdftotext"):
        assert invoices[0]["invoice_no"] in acts["pdf"]["pdf"]
    assert acts["unanswered"]["unanswered"]["requests"] == 1, "asked after, not sent again"
    assert {row["issued by the gateway"] for row in acts["gateway_back"]["gateway_back"]} == {1}
    assert acts["red"]["red"]["total"] == "-5346.03"
    assert seconds < 120
    assert _demo_processes(short_directory) == set()

    kept = report["kept"]
    dsn = kept["psql"].split(" ", 1)[1].strip("'")
    with psycopg.connect(dsn) as connection:
        counted = connection.execute(
            "select count(*) from artery.integration_task"
            " where status = 'sent' and topic like 'mes.mo.%'"
        ).fetchone()
    assert counted == (26,)
    removed = subprocess.run(
        [sys.executable, "-m", "pg_artery", *kept["remove"].split()[1:]],
        env=_environment(server, short_directory),
        capture_output=True,
    )
    assert removed.returncode == 0
    assert not Path(kept["directory"]).exists()


@pytest.mark.one_server
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_demo_leaves_nothing(
    server: Server, how: signal.Signals, short_directory: Path
) -> None:
    environment = _environment(server, short_directory)
    process = subprocess.Popen(
        [*DEMO, "--keep"], env=environment, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    while "The MES is down" not in (line := process.stdout.readline()):
        assert line, "the demo ended too soon"
    assert _demo_processes(short_directory), "by then a MES and a runner are up"
    os.kill(process.pid, how)
    process.stdout.close()
    assert process.wait(20) != 0

    def left() -> list[Any]:
        clusters = short_directory.glob("pg_artery-*/c-*")
        return [*_demo_processes(short_directory), *clusters]

    deadline = time.monotonic() + 15
    while left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left() == []
    assert [path.name[:9] for path in short_directory.iterdir()] == ["pg_artery"]


def test_what_is_not_a_kept_database_is_not_removed(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--remove", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "no database that a demo left up" in done.stderr
    assert tmp_path.exists()


def _receipt(**changes: Any) -> Receipt:
    answer = {"status": "acknowledged", "mes_order_no": "SF-1"}
    first = Receipt(1.0, "id-1", "/mo/create", "ab", "MO-1", 1, "5", True, False, 200, answer)
    return dataclasses.replace(first, **changes)


def _ledger(*receipts: Receipt, **changes: Any) -> Ledger:
    good = Ledger(
        told=[("MO-1", 1)],
        orders=[{"mo_no": "MO-1", "version": 1, "quantity": "5", "status": "released"}],
        tasks=[{"request_id": "id-1", "mo_no": "MO-1", "version": 1, "status": "sent",
                "sha256": "ab"}],
        dispatches=[{"mo_no": "MO-1", "version": 1, "request_id": "id-1", "mes_order_no": "SF-1",
                     "status": "acknowledged"}],
        calls=[{"request_id": "id-1", "calls": 1, "sent": 1}],
        receipts=receipts,
    )  # fmt: skip
    return dataclasses.replace(good, **changes)


def _broken(ledger: Ledger) -> list[str]:
    return [claim for claim, holds in ledger.checks().items() if not holds]


def test_a_delivery_and_a_harmless_repeat_prove_the_promise() -> None:
    assert _broken(_ledger(_receipt())) == []
    assert _broken(_ledger(_receipt(), _receipt(at=2.0, effect=False, replayed=True))) == []


@pytest.mark.parametrize(
    ("ledger", "claim"),
    [
        (_ledger(), "what was sent is what the MES received, by Request-ID"),
        (_ledger(_receipt(), _receipt(replayed=True)), "no Request-ID took effect twice"),
        (_ledger(_receipt(sha256="cd")), "byte for byte"),
        (_ledger(_receipt(quantity="6")), "the MES's orders are the ERP's"),
        (_ledger(_receipt(), tasks=[]), "each version that the ERP committed is one task"),
        (_ledger(_receipt(), told=[]), "something was released"),
        (_ledger(_receipt(), calls=[]), "each delivery is in the cloud log, once"),
        (
            _ledger(_receipt(), dispatches=[]),
            "the ERP has each acknowledgement of the MES, and no other",
        ),
        (
            _ledger(_receipt(version=2), _receipt(at=2.0, request_id="id-2")),
            "the versions of an order arrived in their order",
        ),
    ],
)
def test_the_proof_fails_where_the_promise_is_broken(ledger: Ledger, claim: str) -> None:
    assert claim in _broken(ledger)


def test_a_half_written_line_of_the_record_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "record"
    assert read_record(file) == []
    file.write_text(_receipt().line() + _receipt(at=2.0).line()[:20])
    assert read_record(file) == [_receipt()]
