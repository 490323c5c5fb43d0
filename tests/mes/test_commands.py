"""`artery mo show` and `artery stock`, as they are called."""

from __future__ import annotations

import json
import random
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from factory import INBOX, build, one, receive_stock

from pg_artery.commands import mo, stock


@pytest.fixture
def factory(conn: psycopg.Connection) -> psycopg.Connection:
    build(conn, random.Random(1), stock="100")
    for name, good in (("R1", "10"), ("R2", "5"), ("R3", "100000")):
        report = {"source": "mes", "report_id": name, "mo_no": "MO-000", "good": good}
        one(conn, "select artery_api_v1.production_report(%s)", json.dumps(report))
    return conn


def called(command: Any, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_an_order_shows_what_it_took_made_and_waits_for(
    factory: psycopg.Connection, dsn: str
) -> None:
    told = json.loads(called(mo.command, "show", "MO-000", "--json", "--dsn", dsn))
    assert told["order"]["status"] == "in_progress"
    assert [row["report_id"] for row in told["reports"]] == ["R2", "R1"]
    assert [(row["report_id"], row["code"]) for row in told["not_posted"]] == [("R3", "IN107")]
    assert len(told["lines"]) == 3
    text = called(mo.command, "show", "MO-000", "--dsn", dsn)
    assert "15 of 1000000 EA" in text
    assert "Not posted" in text


def test_stock_now_then_short_and_checked(factory: psycopg.Connection, dsn: str) -> None:
    before = one(factory, "select clock_timestamp()")
    receive_stock(factory, "C00", "MAIN", "7")
    now = json.loads(called(stock.command, "C00", "--warehouse", "MAIN", "--json", "--dsn", dsn))
    assert [float(row["quantity"]) for row in now["rows"]] == [7.0]
    then = called(
        stock.command, "C00", "--warehouse", "MAIN", "--at", before.isoformat(), "--dsn", dsn
    )
    assert "Nothing of C00" in then
    short = json.loads(called(stock.command, "--short", "--json", "--dsn", dsn))
    waits = one(factory, f"select count(*) from {INBOX} where status = 'parked'")
    assert {row["reports"] for row in short["rows"]} == {waits} == {1}
    assert "sum of its moves" in called(stock.command, "--check", "--dsn", dsn)
    factory.execute("set session_replication_role = replica")
    factory.execute(
        "update artery_erp.stock_balance set quantity = 8 where warehouse_code = 'MAIN'"
    )
    assert "C00" in called(stock.command, "--check", "--dsn", dsn, code=1)
