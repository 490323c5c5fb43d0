"""The acts of the demo. Each does something real, waits for what must follow, and shows it."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median

import psycopg

from pg_artery.demo import DemoError
from pg_artery.demo.ending import show_orders
from pg_artery.demo.invoices import invoice, take_back, tax_outage
from pg_artery.demo.production import measure, produce
from pg_artery.demo.record import Receipt
from pg_artery.demo.report import Report
from pg_artery.demo.stage import CHANNEL, Stage
from pg_artery.demo.suppliers import buy

PLAIN = ("MO-1001", "MO-1002", "MO-1003", "MO-1004", "MO-1005", "MO-1006", "MO-1007")
NO_BOM = "MO-1008"
WHILE_DOWN = ("MO-2001", "MO-2002", "MO-2003", "MO-2004", "MO-2005", "MO-2006")
IN_FLIGHT = ("MO-3001", "MO-3002", "MO-3003", "MO-3004", "MO-3005", "MO-3006")
CHANGED, CANCELLED, TOO_MANY = "MO-4001", "MO-4002", "MO-4003"
#: how late the MES answers while the runner is killed, in seconds
SLOW = 2.0
#: failed calls until the MES's breaker opens, enough for three of each order
PATIENCE = 18
#: seconds until an open breaker lets a probe through
PROBE_EVERY = 2


def set_up(stage: Stage, out: Report) -> None:
    """Lay out everything and start the runner."""
    began = time.monotonic()
    out.act("Setting the stage")
    server = stage.cluster.server
    out.say(f"PostgreSQL {server.version} ({server.kind}), a throwaway cluster on port "
            f"{stage.cluster.port}")  # fmt: skip
    for sentence in server.missing():
        out.note(f"  {sentence}")
    result = stage.install()
    out.say(f"artery migrate: {len(result.applied)} migrations, {result.files} files of functions, "
            f"triggers and views, {result.seconds:.1f} s")  # fmt: skip
    stage.load_master_data()
    out.say("The company makes pump sets. artery_erp.bom_explosion('CP40', 100):")
    out.table("product", [
        {
            "component": "  " * (row["level"] - 1) + row["component_code"],
            "name": row["name"],
            "required": f"{row['required']:f}".rjust(8),
            "unit": row["unit"],
        }
        for row in stage.look("product")
    ])  # fmt: skip
    out.table("revisions", stage.look("revisions"))
    stage.start_mes()
    out.say(f"A MES listens on {stage.mes.base_url}; select artery_mes.setup_mes('…') made its "
            "endpoint and routes")  # fmt: skip
    runner = stage.start_runner()
    stage.wait("the runner", lambda: stage.look("runners"))
    out.say(f"artery run --lease {stage.lease:g} is up as process {runner.pid}")
    out.note(f"  (30 s by default; {stage.lease:g} s let us see the recovery sooner)")
    out.data["server"], out.data["lease_seconds"] = server.version, stage.lease
    out.fact("seconds", round(time.monotonic() - began, 3))


def deliver(stage: Stage, out: Report) -> None:
    """Release orders one by one; each arrives within milliseconds of its commit."""
    out.act("Orders are released, and arrive")
    stage.notifications()
    committed = {}
    for mo_no in PLAIN:
        committed[mo_no], _ = stage.change("release", mo_no=mo_no)
        time.sleep(0.15)
    stage.wait_sent(PLAIN)
    first = _first_receipts(stage.mes.receipts)
    status = {row["mo_no"]: row for row in stage.look("dispatch_status", orders=list(PLAIN))}
    rows = [
        {
            "mo_no": mo_no,
            "item_code": status[mo_no]["item_code"],
            "quantity": status[mo_no]["quantity"],
            "mes_status": status[mo_no]["mes_status"],
            "mes_order_no": status[mo_no]["mes_order_no"],
            "commit → received, ms": 1000 * (first[mo_no].at - committed[mo_no]),
        }
        for mo_no in PLAIN
    ]
    out.table("orders", rows)
    middle = median(row["commit → received, ms"] for row in rows)
    out.say(f"Median {middle:.1f} ms from the commit (pg_xact_commit_timestamp) to the "
            "MES's own clock;")  # fmt: skip
    out.note("  the first one also paid for the connection")
    notes = stage.notifications()
    out.say(f"NOTIFY {CHANNEL} was heard {len(notes)} times: {', '.join(notes)}")
    message = stage.look("payload", mo_no=PLAIN[-1])[0]["body"]
    out.say(f"{PLAIN[-1]} starts when revision {message['item']['bom_revision']} is in force. "
            "Its message names each component and the BOM line it is from:")  # fmt: skip
    out.table("components", [
        {
            "line_no": line["line_no"],
            "item": line["item"],
            "quantity": line["quantity"],
            "required": line["required"],
            "unit": line["unit"],
            "operation_no": line["operation_no"],
            "location": line["location"],
            "bom_line": "{item} {revision} {line_no}".format(**line["bom_line"]),
        }
        for line in message["components"]
    ])  # fmt: skip
    out.fact("median_ms", round(middle, 3))
    out.fact("notifications", notes)


def refuse_release(stage: Stage, out: Report) -> None:
    """Try to release an order that cannot be built: refused, and the MES never hears of it."""
    out.act("An order without a BOM is not released")
    try:
        stage.erp.execute("select artery_erp.release_manufacturing_order(%s)", [NO_BOM])
    except psycopg.Error as error:
        diag = error.diag
        out.say(f"ERROR:  {diag.sqlstate}: {diag.message_primary}")
        out.say(f"DETAIL:  {diag.message_detail}")
        out.say(f"HINT:  {diag.message_hint}")
        out.fact("sqlstate", diag.sqlstate)
    else:
        raise DemoError(f"{NO_BOM} has no BOM and was released all the same")


def outage(stage: Stage, out: Report) -> None:
    """Stop the MES: work waits, with a growing pause. Start it: everything arrives, once."""
    out.act("The MES is down")
    stage.mes.stop()
    stage.look("set_breaker", min_calls=PATIENCE, open_for=PROBE_EVERY)
    out.say("Stopped the MES. Six orders are released all the same: nobody in the ERP waits.")
    for mo_no in WHILE_DOWN:
        stage.change("release", mo_no=mo_no)

    stage.wait("the breaker to open", lambda: stage.look("breaker"), 60)
    tasks = stage.look("tasks", orders=list(WHILE_DOWN))
    out.table("waiting", [
        {
            "mo_no": task["mo_no"],
            "status": task["status"],
            "attempts": task["attempts"],
            "next try in, s": max(task["due_in"], 0.0),
            "error_class": task["error_class"],
        }
        for task in tasks
    ])  # fmt: skip
    out.note(f"  {tasks[0]['error']}")
    out.say("The pause before the next try is drawn from 0 to 1 s, 2 s, 4 s … (full jitter). What "
            f"the audit kept of {WHILE_DOWN[0]}:")  # fmt: skip
    out.table("audit", stage.look("audit", mo_no=WHILE_DOWN[0]))
    out.say("Then the endpoint's breaker opened: no more calls but one probe now and then.")
    out.note(
        f"  (after {PATIENCE} failures, a probe every {PROBE_EVERY} s; by default 10 and 15 s)"
    )
    stage.mes.start()
    back = time.monotonic()
    out.say("Started the MES again.")
    stage.wait_sent(WHILE_DOWN, 60)
    out.say(f"All six were there {time.monotonic() - back:.1f} s later, none of them twice:")
    out.table("arrived", _deliveries(stage, WHILE_DOWN))
    out.table("breaker", stage.look("breaker"))


def crash(stage: Stage, out: Report) -> None:
    """Kill a runner after the MES took its orders and before it could write that down."""
    out.act("kill -9 in mid-flight")
    stage.mes.answer_after(SLOW)
    for mo_no in IN_FLIGHT:
        stage.change("release", mo_no=mo_no)
    stage.wait(
        "the MES to hold all six",
        lambda: set(IN_FLIGHT) <= set(_first_receipts(stage.mes.receipts)),
    )
    stage.runner.stop(signal.SIGKILL)
    killed = time.monotonic()
    out.say(f"The MES, slow just now, had taken six orders and answered none: runner "
            f"{stage.runner.pid} got kill -9.")  # fmt: skip
    out.table("orphaned", [
        {"mo_no": task["mo_no"], "status": task["status"], "attempts": task["attempts"]}
        for task in stage.look("tasks", orders=list(IN_FLIGHT))
    ])  # fmt: skip
    stage.mes.answer_after(0)
    runner = stage.start_runner()
    out.say(f"Started a second runner, {runner.pid}. The leases have to run out first …")
    stage.wait_sent(IN_FLIGHT, 60)
    seconds = time.monotonic() - killed
    out.table("recovered", _deliveries(stage, IN_FLIGHT))
    out.table("audit", stage.look("audit", mo_no=IN_FLIGHT[0]))
    out.say(f"Recovered {seconds:.1f} s after the kill, of which the lease is {stage.lease:g} s. "
            "The MES got each order twice,")  # fmt: skip
    out.say("under one Request-ID: it gave its first answer again, and did nothing twice.")
    out.fact("recovery_seconds", round(seconds, 3))


def change_and_refuse(stage: Stage, out: Report) -> None:
    """Change and cancel orders, which arrives in order; have one refused, and see it there."""
    out.act("A change, a cancellation, a refusal")
    out.say(f"{CHANGED} is released, changed to 45 and cancelled, three transactions at once;")
    out.say(f"{CANCELLED} is released and changed; {TOO_MANY} asks for more than the MES takes.")
    stage.change("release", mo_no=CHANGED)
    stage.change("change_quantity", mo_no=CHANGED, quantity=45)
    stage.change("cancel", mo_no=CHANGED)
    stage.change("release", mo_no=CANCELLED)
    stage.change("change_quantity", mo_no=CANCELLED, quantity=95)
    stage.change("release", mo_no=TOO_MANY)
    orders = [CHANGED, CANCELLED, TOO_MANY]
    stage.wait_sent(orders)
    out.table("received", [
        {
            "mo_no": receipt.mo_no,
            "version": receipt.version,
            "path": receipt.path,
            "quantity": receipt.quantity,
            "answer": receipt.answer["status"],
        }
        for receipt in stage.mes.receipts
        if receipt.mo_no in orders
    ])  # fmt: skip
    refused = stage.look("dispatch_status", orders=[TOO_MANY])[0]
    out.say(f"Written back to {TOO_MANY}: {refused['mes_status']}, “{refused['reason']}”. "
            "The planner halves it:")  # fmt: skip
    stage.change("change_quantity", mo_no=TOO_MANY, quantity=450)
    stage.wait_sent(orders)
    show_orders(stage, out, orders, "quantity", "status", "version", "action", "mes_status",
                 "mes_order_no")  # fmt: skip
    out.fact("refusal", refused["reason"])


ACTS: Sequence[Callable[[Stage, Report], None]] = (
    set_up, deliver, refuse_release, outage, crash, change_and_refuse, produce, measure,
    buy, invoice, tax_outage, take_back,
)  # fmt: skip


def _first_receipts(receipts: Sequence[Receipt]) -> dict[str, Receipt]:
    return {receipt.mo_no: receipt for receipt in reversed(receipts)}


def _deliveries(stage: Stage, orders: Sequence[str]) -> list[dict[str, object]]:
    """Give, for each order, the database's attempts beside the MES's receipts and effects."""
    receipts = stage.mes.receipts
    received = Counter(receipt.mo_no for receipt in receipts)
    effects = Counter(receipt.mo_no for receipt in receipts if receipt.effect)
    return [
        {
            "mo_no": task["mo_no"],
            "status": task["status"],
            "attempts": task["attempts"],
            "received by the MES": received[task["mo_no"]],
            "took effect": effects[task["mo_no"]],
            "request_id": task["request_id"],
        }
        for task in stage.look("tasks", orders=list(orders))
    ]
