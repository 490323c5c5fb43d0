"""An ERP of the site's own in the place of artery_erp: its orders go out, reports come back."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from typing import Any

import psycopg
import pytest
from toy_world import EVENTS, REPORTS, Toy


def test_each_change_that_the_shop_floor_has_to_hear_of_is_told_once(toy: Toy) -> None:
    toy.order("W-1", state="N")
    toy.sweep()
    assert toy.told("W-1") == []  # planned: none of its business
    toy.owner.execute("update toy.work_order set state = 'R' where code = 'W-1'")
    toy.owner.execute("update toy.work_order set state = 'R' where code = 'W-1'")
    toy.sweep()
    toy.sweep()
    assert toy.told("W-1") == [(1, "create", "10")]
    (body,) = toy.rows("select t.body::jsonb from artery.integration_task as t")[0]
    assert body["item"] == {"code": "BIKE", "name": "BIKE", "bom_revision": None}
    assert body["components"] == [
        {"line_no": 1, "item": "WHEEL", "quantity": "2", "required": "20", "unit": "PC"}
    ]
    toy.owner.execute("update toy.work_order set amount = 12 where code = 'W-1'")
    toy.owner.execute("update toy.work_order set state = 'S' where code = 'W-1'")
    toy.sweep()
    toy.owner.execute("update toy.work_order_part set per_piece = 3")  # another table of it
    toy.sweep()
    assert toy.told("W-1")[1:] == [(2, "change", "12"), (3, "change", "12")]
    toy.owner.execute("update toy.work_order set state = 'N' where code = 'W-1'")
    toy.sweep()
    toy.owner.execute("update toy.work_order set state = 'X' where code = 'W-1'")
    toy.sweep()
    assert toy.told("W-1")[3:] == [(4, "cancel", "12")]
    toy.owner.execute("update toy.work_order set state = 'R' where code = 'W-1'")
    toy.sweep()
    toy.owner.execute("delete from toy.work_order_part")
    toy.owner.execute("delete from toy.work_order")
    toy.sweep()
    assert toy.told("W-1")[4:] == [(5, "create", "12"), (6, "cancel", "12")]
    assert toy.rows("select count(*) from artery_staging.erp_order_event") == [(0,)]
    status = toy.rows("select version, status, mes_status from artery_mes.mo_dispatch_status")
    assert status == [(6, "cancelled", "queued")]


def test_what_is_rolled_back_is_not_told_and_one_transaction_is_one_message(toy: Toy) -> None:
    toy.order("W-1")
    with toy.owner.transaction(force_rollback=True):
        toy.owner.execute("update toy.work_order set amount = 99")
    with toy.owner.transaction():
        toy.owner.execute("update toy.work_order set amount = 11")
        toy.owner.execute("update toy.work_order set amount = 12")
    toy.sweep()
    assert toy.told("W-1") == [(1, "create", "12")]


def test_an_order_that_cannot_be_told_hurts_no_other_and_not_the_erp(toy: Toy) -> None:
    toy.order("W-1", state="?")
    toy.order("W 2")
    toy.order("W-3", amount=0)
    toy.order("W-4")
    toy.sweep()
    assert toy.told("W-4") == [(1, "create", "10")]
    rejected = toy.rows(
        "select e.body ->> 'mo_no', e.reasons #>> '{0,message}' "
        "from artery_staging.erp_order_event as e "
        "where e.status = 'rejected' and e.body ->> 'table' = 'toy.work_order' order by 1"
    )
    assert rejected == [
        ("W 2", "mo_no is no order number"),
        ("W-1", "? is no status of an order"),
        ("W-3", "quantity is no number above zero"),
    ]
    # mended in the ERP: told, and nobody has to clear up
    toy.owner.execute("update toy.work_order set amount = 7 where code = 'W-3'")
    toy.sweep()
    assert toy.told("W-3") == [(1, "create", "7")]
    left = toy.rows("select distinct e.body ->> 'mo_no' from artery_staging.erp_order_event as e")
    assert sorted(left) == [("W 2",), ("W-1",)]
    # the view itself fails for one row
    toy.owner.execute("update toy.work_order set state = 'R' where code = 'W-1'")
    toy.sweep()
    toy.owner.execute(
        "create or replace view toy.production_order as select code as mo_no, "
        "product as item_code, 1000 / (amount - 13) as quantity, 'PC' as unit, "
        "'released' as status, null::timestamptz as planned_end, "
        "null::jsonb as components from toy.work_order"
    )
    toy.owner.execute("update toy.work_order set amount = 13 where code = 'W-1'")
    toy.owner.execute("update toy.work_order set amount = 14 where code = 'W-4'")
    toy.sweep()
    assert toy.told("W-4")[-1] == (2, "change", "1000")
    codes = toy.rows(
        "select distinct e.reasons #>> '{0,code}' from artery_staging.erp_order_event as e "
        "where e.body ->> 'mo_no' = 'W-1'"
    )
    assert codes == [("22012",)]


def test_a_report_posts_in_the_erps_own_tables_once(toy: Toy) -> None:
    toy.order("W-1")
    toy.sweep()
    first = toy.report("R-1", "W-1", "4", note="kept")
    assert (first["status"], first["result"]["mo_no"]) == ("processed", "W-1")
    assert toy.report("R-1", "W-1", "4", note="kept") == first
    conflict = toy.report("R-1", "W-1", "5")
    assert [r["code"] for r in conflict["reasons"]] == ["IN015"]
    # as a partner's insert, twice, swept
    for _ in range(2):
        toy.conn.execute(
            "insert into artery_staging.mes_production_report (message_id, body) values "
            """('R-2', '{"mo_no": "W-1", "good": "6"}') on conflict do nothing"""
        )
        toy.sweep(REPORTS)
    assert toy.booked("W-1") == [("R-1", 4), ("R-2", 6)]
    toy.sweep()
    assert toy.rows("select o.state from toy.work_order as o") == [("D",)]
    assert toy.told("W-1") == [(1, "create", "10")]  # its own progress is no news to the MES
    counted = toy.rows("select o.good, o.status from artery_mes.adopted_order as o")
    assert counted == [(10, "completed")]


def test_reports_are_refused_with_all_reasons_and_posted_when_mended(toy: Toy) -> None:
    toy.order("W-1")
    toy.order("W-2", state="X")
    toy.order("W-3", state="H")
    toy.sweep()

    def codes(answer: dict[str, Any]) -> list[str]:
        return [answer["status"], *(r["code"] for r in answer["reasons"])]

    assert codes(toy.report("R-1", "W-9", "1")) == ["rejected", "IN106"]
    assert codes(toy.report("R-2", "W-2", "1")) == ["rejected", "IN304"]
    assert codes(toy.report("R-3", "W-1", "-1", item="CAR")) == ["rejected", "IN303", "IN310"]
    assert codes(toy.report("R-4", "W-1", "1", kind="release")) == ["rejected", "IN085"]
    held = toy.report("R-5", "W-3", "1")
    assert codes(held) == ["parked", "IN304"]
    assert codes(toy.report("R-6", "W-3", "2")) == ["parked", "IN083"]
    refused = toy.report("R-7", "W-1", "11")
    assert codes(refused) == ["rejected", "P0001"]
    assert refused["reasons"][0]["message"] == "order W-1 is for 10 pieces, and 11 were reported"
    assert refused["reasons"][0]["hint"] == "Raise the amount of the order first."
    assert toy.booked("W-1") == toy.booked("W-3") == []

    # nobody wakes anything by hand: the order's change does
    toy.owner.execute("update toy.work_order set state = 'R' where code = 'W-3'")
    toy.sweep()
    toy.sweep(REPORTS)
    toy.sweep(REPORTS)
    assert toy.booked("W-3") == [("R-5", 1), ("R-6", 2)]
    toy.owner.execute("update toy.work_order set amount = 11 where code = 'W-1'")
    toy.conn.execute(
        "select artery_staging.reprocess(%s, array[%s], 'amount raised')", (REPORTS, refused["id"])
    )
    toy.sweep(REPORTS)
    assert toy.booked("W-1") == [("R-7", 11)]


def test_a_worker_of_the_erp_may_take_its_time_and_order_holds(toy: Toy) -> None:
    toy.adopt("toy.queue_report")
    for code in ("W-1", "W-2"):
        toy.order(code)
    toy.sweep()
    first = toy.report("R-1", "W-1", "4")
    assert (first["status"], first["reasons"][0]["code"]) == ("parked", "IN082")
    assert toy.report("R-2", "W-1", "6")["reasons"][0]["code"] == "IN083"
    assert toy.report("R-3", "W-2", "1")["reasons"][0]["code"] == "IN082"
    seen = toy.rows(
        "select r.report_id, r.state from artery_monitor.reports_at_erp as r order by 1"
    )
    assert seen == [("R-1", "at the ERP"), ("R-2", "waits"), ("R-3", "at the ERP")]
    assert toy.rows("select count(*) from toy.todo") == [(2,)]
    alarm = "select a.found from artery_monitor.attention() as a where a.code = 'reports_at_erp'"
    assert toy.rows(alarm) == []
    toy.conn.execute("update artery_mes.report_at_erp set since = '2026-01-01 00:00Z'")
    assert toy.rows(alarm)[0][0].startswith("2 wait for the ERP's own code, the oldest since 20")

    # the ERP refuses the first: the next has its turn; mended, the first comes again
    toy.owner.execute("update toy.todo set answer = 'no: period closed' where report = 'R-1 1'")
    assert toy.report("R-1", "W-1", "4")["reasons"][0]["message"] == "no: period closed"
    toy.sweep(REPORTS)
    toy.owner.execute("update toy.todo set answer = 'done' where answer is null")
    toy.owner.execute(
        "update toy.work_order set due = current_date"
    )  # as its worker would touch it
    toy.sweep()
    toy.sweep(REPORTS)
    done = toy.rows(
        "select s.message_id, s.status, s.result -> 'erp' ->> 'worker' from "
        "artery_staging.mes_production_report as s order by 1"
    )
    assert done == [
        ("R-1", "rejected", None), ("R-2", "processed", "done"), ("R-3", "processed", "done"),
    ]  # fmt: skip
    toy.conn.execute("select artery_staging.reprocess(%s, array[%s])", (REPORTS, first["id"]))
    toy.sweep(REPORTS)
    toy.owner.execute("update toy.todo set answer = 'done' where report = 'R-1 2'")
    assert toy.report("R-1", "W-1", "4")["status"] == "processed"
    assert toy.rows("select count(*) from artery_mes.report_at_erp") == [(0,)]


def test_a_late_report_does_not_pass_an_earlier_one_of_its_order(toy: Toy) -> None:
    toy.adopt("toy.queue_report")
    toy.order("W-1")
    toy.sweep()
    for number in range(1, 6):
        toy.report(f"R-{number}", "W-1", "1")
    for number in range(1, 6):
        assert toy.rows("select t.report from toy.todo as t where t.answer is null") == [
            (f"R-{number} 1",)
        ]
        toy.owner.execute("update toy.todo set answer = 'done'")
        # one that comes just now asks first, and still waits its turn
        late = toy.report(f"L-{number}", "W-1", "1") if number < 5 else None
        assert late is None or late["reasons"][0]["code"] == "IN083"
        toy.conn.execute("select artery_staging._wake_adopted_reports('{W-1}')")
        toy.sweep(REPORTS)
    assert toy.rows("select count(*) from toy.todo where report like 'R%%'") == [(5,)]


@pytest.mark.one_server
def test_whatever_sessions_do_at_once_the_last_word_is_the_orders(toy: Toy, dsn: str) -> None:
    rng, stop, errors = random.Random(8), threading.Event(), []
    codes = [f"W-{n}" for n in range(6)]
    for code in codes:
        toy.order(code)

    def guarded(work: Any) -> None:
        try:
            with psycopg.connect(dsn, autocommit=True) as own:
                work(own)
        except Exception as error:
            errors.append(error)

    def plan(own: psycopg.Connection) -> None:
        for _ in range(60):
            own.execute(
                "update toy.work_order set amount = %s, state = %s where code = any(%s)",
                (rng.randint(1, 9), rng.choice("RRRSHNX"), rng.sample(codes, 2)),
            )

    def sweep(own: psycopg.Connection) -> None:
        while not stop.is_set():
            own.execute("select artery_staging.process(%s, 7)", (EVENTS,))

    planners = [threading.Thread(target=guarded, args=(plan,)) for _ in range(2)]
    sweepers = [threading.Thread(target=guarded, args=(sweep,)) for _ in range(3)]
    for thread in (*planners, *sweepers):
        thread.start()
    for thread in planners:
        thread.join()
    stop.set()
    for thread in sweepers:
        thread.join()
    # two planners may deadlock on the ERP's own rows: theirs, and none of ours
    assert [e for e in errors if not isinstance(e, psycopg.errors.DeadlockDetected)] == []
    while toy.rows("select count(*) from artery_staging.erp_order_event") != [(0,)]:
        toy.conn.execute("update artery_staging.erp_order_event set due_at = now()")
        toy.sweep()
    for code in codes:
        told = toy.told(code)
        assert [version for version, _, _ in told] == list(range(1, len(told) + 1))
        ((amount, state),) = toy.rows(
            "select amount, state from toy.work_order where code = %s", code
        )
        if state in "RSH":
            assert told[-1][1] != "cancel"
            assert told[-1][2] == str(amount)
        elif told:
            assert told[-1][1] == "cancel"


def test_the_check_names_everything_at_once(bare: Toy) -> None:
    assert [(part, severity) for part, severity, _ in bare.findings()] == [
        ("production_order", "missing"), ("production_report", "missing"),
    ]  # fmt: skip
    bare.order("W-1")
    bare.order("W-2", state="?")
    bare.owner.execute("""
        create view toy.production_order as
        select 'W-1' as mo_no, o.product as item_code, o.amount::float8 as quantity,
            o.state as status,
            o.due::timestamp as planned_end
        from toy.work_order as o;
        create function toy.post_report(p_report jsonb) returns text language sql stable
        security definer as $$ select 'x' $$""")
    bare.conn.execute("select artery_erp.adopt('production_order', 'toy.production_order')")
    bare.conn.execute("select artery_erp.adopt('production_report', 'toy.post_report')")
    found = bare.findings()
    assert {text for _, severity, text in found if severity != "advice"} == {
        "column unit (text): of quantity, as the MES knows it",
        "column quantity is double precision, and has to be numeric",
        "column planned_end is timestamp without time zone, and has to be timestamptz",
        "artery_owner may not read toy.production_order",
        "it does not return one jsonb, but text",
        "it is declared stable or immutable, and has to write",
        "artery_owner may not call it",
        "it is security definer, and whoever calls it chooses its search_path",
        "it is security definer, and everybody may call it",
        "no table is bound: nobody would hear of a change of an order",
        "no MES is set up",
    }
    assert any("operations" in text for _, severity, text in found if severity == "advice")
    bare.owner.execute(
        "grant usage on schema toy to artery_owner; "
        "grant select on toy.production_order to artery_owner"
    )
    told = {text for _, _, text in bare.findings()}
    assert {
        "2 orders have the number W-1",
        "1 orders, such as W-1: ? is no status of an order",
        "1 orders, such as W-1: R is no status of an order",
    } <= told


def test_the_check_tries_the_whole_way_and_leaves_nothing(toy: Toy) -> None:
    toy.order("W-1")
    toy.sweep()
    toy.report("R-1", "W-1", "3")
    toy.sweep()

    def state() -> Any:
        tables = ("toy.finished", "toy.work_order", "artery_mes.adopted_order",
                  "artery_mes.mo_dispatch", "artery.integration_task", REPORTS, EVENTS)  # fmt: skip
        return [toy.rows(f"select t::text from {table} as t order by 1") for table in tables]

    def wrong() -> list[str]:
        return [text for _, severity, text in toy.findings() if severity != "advice"]

    before = state()
    assert wrong() == []
    toy.owner.execute("alter table toy.finished add constraint few check (pieces < 5)")
    (refused,) = wrong()
    assert refused.startswith("a report on order W-1 is refused: new row for relation")
    toy.owner.execute("alter table toy.finished drop constraint few")
    toy.owner.execute(
        "create or replace function toy.post_report(p_report jsonb) returns jsonb language sql "
        "security definer set search_path = pg_catalog, pg_temp as "
        "$$ insert into toy.finished (order_id, pieces, report) values (1, 1, 'x'); "
        "select '[]'::jsonb $$"
    )
    (refused,) = wrong()
    assert refused.endswith("toy.post_report answered []: What it did is undone.")
    answer = toy.report("R-2", "W-1", "3")
    assert answer["reasons"][0]["code"] == "IN086"
    toy.conn.execute("delete from artery_staging.mes_production_report where message_id = 'R-2'")
    toy.sweep()
    assert state() == before


def test_only_what_is_there_is_adopted_and_given_back(toy: Toy) -> None:
    for part, target, state in (
        ("invoice", "toy.production_order", "IN080"),
        ("production_order", "toy.nothing", "IN081"),
        ("production_order", "toy.post_report", "IN081"),
        ("production_report", "toy.production_order", "IN081"),
    ):
        with pytest.raises(psycopg.Error) as refused:
            toy.conn.execute("select artery_erp.adopt(%s, %s)", (part, target))
        assert refused.value.sqlstate == state
    with pytest.raises(psycopg.Error) as refused:
        toy.owner.execute("select artery_staging.bind_orders('toy.finished', 'new.nothing')")
    assert refused.value.sqlstate == "IN013"
    assert toy.rows("select artery_erp.unadopt('production_report')") == [(True,)]
    assert (
        toy.report("R-1", "W-1", "1")["reasons"][0]["message"]
        == "there is no manufacturing order W-1"
    )


def test_the_command_prints_adopts_and_checks(toy: Toy, dsn: str) -> None:
    def artery(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pg_artery", "adopt", "--dsn", dsn, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    skeleton = artery("--print").stdout
    names = toy.rows("select c.name from artery_erp.adoption_contract() as c where c.kind = 'view'")
    assert all(f"> as {name}" in skeleton for (name,) in names)
    toy.order("W-1")
    done = artery(
        "--json", "production_report=toy.queue_report", "production_order=toy.production_order"
    )
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["complete"]
    assert {f["severity"] for f in told["findings"]} == {"advice"}
    toy.owner.execute("select artery_staging.unbind_orders('toy.work_order')")
    toy.owner.execute("select artery_staging.unbind_orders('toy.work_order_part')")
    lacking = artery("--check")
    assert lacking.returncode == 1
    assert "no table is bound" in lacking.stdout
    assert "1 missing or wrong." in lacking.stdout
    assert artery("production_order=toy.nothing").returncode == 1
    assert artery("nonsense").returncode == 2
