"""The act in which the shop floor answers: reports move stock, machines' signals become OEE."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pg_artery.demo.report import Report
from pg_artery.demo.stage import Row, Stage

#: what is in the store when production begins: item, warehouse, quantity, lot
MATERIAL = (
    ("STEEL-M400", "RAW", "200", "H-4711"),
    ("STEEL-M400", "RAW", "400", "H-4712"),
    ("CU-08", "RAW", "80", "C-88"),
    ("SHAFT-C45", "RAW", "20", None),
    ("BRONZE-RG7", "RAW", "100", "Z-9"),
    ("TB-4", "LINE-M", "40", None),
)
#: what the MES reports, in this order; the first one it sends twice
REPORTS: dict[str, Row] = {
    "R-1": {"mo_no": "MO-1001", "good": "25", "lot": "S-0301"},
    "R-2": {"mo_no": "MO-1001", "good": "15", "scrap": "1", "lot": "S-0302"},
    "R-3": {"mo_no": "MO-1002", "good": "40"},
    "R-4": {"mo_no": "MO-1003", "good": "5"},
    "R-5": {"mo_no": "MO-1004", "good": "40", "lot": "M-0301"},
    "R-6": {"mo_no": "MO-1003", "good": "60"},
    "R-7": {"mo_no": "MO-9999", "good": "1"},
}
TRACKED = ["STEEL-M400", "CU-08", "SHAFT-C45", "BRONZE-RG7", "BRG-6205", "TB-4",
           "CP40-STA", "CP40-ROT", "CP40-IMP", "CP40-MOT"]  # fmt: skip
REPORTING = (
    "select artery_staging.grant_partner('demo_mes', 'artery_staging.mes_production_report')"
)
MEASURING = (
    "grant usage on schema artery_staging to {}",
    "grant insert (device, ts, kind, state, reason_code, good, reject)"
    " on artery_staging.iot_sensor_reading to {}",
)
COPY = (
    "copy artery_staging.iot_sensor_reading (device, ts, kind, state, reason_code, good, reject)"
    " from stdin"
)
HOURS, JAM, SILENT = 8, range(180, 220), range(360, 370)


def produce(stage: Stage, out: Report) -> None:
    """Have the MES report what was made; stock and orders follow, and nobody types anything."""
    out.act("The shop floor reports")
    receive(stage, *MATERIAL)
    before = _stock(stage)
    shop_floor = stage.partner("demo_mes", REPORTING)
    insert = (
        "insert into artery_staging.mes_production_report (message_id, body) values (%s, %s)"
        " on conflict do nothing"
    )
    for report, body in [*REPORTS.items(), ("R-1", REPORTS["R-1"])]:
        shop_floor.execute(insert, [report, json.dumps(body)])
    out.say("The MES, which may insert into artery_staging.mes_production_report and nothing else, "
            "does so eight times;")  # fmt: skip
    out.say("R-1 comes twice. The sweep posts them in one batch:")
    reports = stage.wait("the reports to be looked at", lambda: _decided(stage))
    out.table("reports", reports)
    out.say("R-5 waits for bearings, which are not booked in. artery_mes.shortage_queue:")
    out.table("shortages", stage.look("shortages"))
    receive(stage, ("BRG-6205", "LINE-M", "200", "B-77"))
    out.say("200 of them arrive, and it posts itself.")
    stage.wait("R-5 to be posted", lambda: _status(stage, "R-5") == "processed")
    answer = stage.ask("reverse_report", request=json.dumps(
        {"source": "demo_mes", "report_id": "R-4", "reason": "counted on the wrong order"}
    ))["answer"]  # fmt: skip
    out.say(f"R-4 was a mistake, and is taken back, lot by lot: {answer['status']}.")
    after = _stock(stage)
    keys = sorted(before.keys() | after.keys(), key=lambda key: (TRACKED.index(key[0]), key[1:]))
    out.table("stock", [
        {
            "item_code": key[0], "warehouse": key[1], "lot": key[2] or "",
            "before": before.get(key, "0"), "after": after.get(key, "0"),
        }
        for key in keys
    ])  # fmt: skip
    out.table("progress", stage.look("progress", orders=["MO-1001", "MO-1002", "MO-1003",
                                                         "MO-1004"]))  # fmt: skip
    out.say("What went into motor lot M-0301? artery_mes.trace_lot('CP40-MOT', 'M-0301'):")
    out.table("genealogy", [
        {**row, "item_code": "  " * (row["level"] - 1) + row["item_code"], "lot_no": row["lot_no"]}
        for row in stage.look("went_into", item="CP40-MOT", lot="M-0301")
    ])  # fmt: skip
    open_items = stage.look("reconciliation")
    out.say(f"artery_erp.stock_reconciliation, moves against balances: {len(open_items)} rows.")
    out.fact("reconciliation", len(open_items))


def measure(stage: Stage, out: Report) -> None:
    """Have a press tell of eight hours, by COPY; its OEE is counted."""
    out.act("A machine's signals become its OEE")
    now: datetime = stage.ask("hour")["now"]
    since = now - timedelta(hours=HOURS)
    stage.ask("machine", since=since)
    gateway = stage.partner("demo_gateway", *MEASURING)
    with gateway.cursor() as cursor, cursor.copy(COPY) as copy:
        readings = list(_readings(since))
        for reading in readings:
            copy.write_row(reading)
    good, reject = readings[-1][-2:]
    out.say(f"Press 4 was to run for {HOURS} hours at 4 s a piece. It jammed for 40 minutes, could "
            "not be heard for 10,")  # fmt: skip
    out.say(f"and was a little slow. {len(readings)} readings came by COPY; "
            "artery_iot.equipment_oee:")  # fmt: skip

    def counted() -> list[Row]:
        rows = stage.look("oee", since=since, until=now)
        return [row for row in rows if (row["good"], row["reject"]) == (good, reject)]

    out.table("oee", [
        {name: str(value) for name, value in row.items()}
        for row in stage.wait("its pieces to be counted", counted)
    ])  # fmt: skip


def receive(stage: Stage, *moves: tuple[str, str, str, str | None]) -> None:
    """Book stock in, as a goods receipt does."""
    names = ("item", "warehouse", "quantity", "lot")
    stage.ask(
        "receive_material", moves=json.dumps([dict(zip(names, m, strict=True)) for m in moves])
    )


def _stock(stage: Stage) -> dict[tuple[str, str, str | None], str]:
    rows = stage.look("stock", items=TRACKED)
    return {(r["item_code"], r["warehouse_code"], r["lot_no"]): r["quantity"] for r in rows}


def _decided(stage: Stage) -> list[Row]:
    rows = stage.look("report_inbox", reports=list(REPORTS))
    return [] if any(row["status"] == "new" for row in rows) else rows


def _status(stage: Stage, report: str) -> str:
    return str(stage.look("report_inbox", reports=[report])[0]["status"])


def _readings(since: datetime) -> Iterator[tuple[Any, ...]]:
    """Give a reading a minute: device, ts, kind, state, reason_code, good, reject."""
    good = reject = 0
    for minute in range(HOURS * 60):
        if minute in SILENT:
            continue
        at = since + timedelta(minutes=minute)
        if minute == 0 or minute in (JAM.start, JAM.stop):
            down = minute == JAM.start
            state, reason = ("down", "JAM") if down else ("running", None)
            yield ("plc-press-4", at, "state", state, reason, None, None)
        if minute > 0 and minute not in JAM:
            good, reject = good + 13, reject + (minute % 10 == 0)
        yield ("plc-press-4", at, "counter", None, None, good, reject)
