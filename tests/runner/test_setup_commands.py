"""`artery endpoint`, `route`, `logs`, `staging show`, `completion`: setting up and looking."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo
from runner_harness import Outbox

from pg_artery.cli import main

pytestmark = pytest.mark.one_server

ARTERY = str(Path(sys.executable).with_name("artery"))


@pytest.fixture
def artery(dsn: str):
    def run(*arguments: str, rc: int = 0, user: str = "postgres") -> Result:
        as_user = make_conninfo(dsn, user=user)
        result = CliRunner().invoke(main, [*arguments, "--dsn", as_user])
        assert result.exit_code == rc, result.output
        return result

    def read(*arguments: str) -> dict:
        return json.loads(run(*arguments, "--json").stdout)

    run.json = read
    return run


def test_a_system_is_set_up_and_delivered_to_without_a_line_of_sql(
    artery, receiver, artery_run, dsn, conn
) -> None:
    artery("endpoint", "add", "carrier", receiver.url, "rate_per_second=50", "total_timeout=10 s")
    artery("route", "add", "carrier.shipment", "carrier", "/shipments/{no}", "priority=2")
    conn.execute(
        "select artery.enqueue_task('carrier.shipment', '{}', p_path_params => '{\"no\": \"S-1\"}')"
    )
    artery_run(dsn, "--until-idle").wait()
    [call] = artery.json("logs")["calls"]
    assert call["url"].endswith("/shipments/S-1")
    assert (call["status_code"], call["outcome"], call["endpoint"]) == (200, "sent", "carrier")
    assert "/shipments/S-1" in artery("logs").output
    assert artery.json("route", "list")["routes"][0]["endpoint"] == "carrier"
    shown = artery("endpoint", "show", "carrier").output
    assert "00:00:10" in shown
    assert "burst" not in shown
    assert "Calls that may go at once" in artery("endpoint", "show", "carrier", "--all").output
    assert "0 goes first" in artery("route", "show", "carrier.shipment", "--all").output


def test_a_change_shows_what_it_changed_side_effects_too(artery, conn) -> None:
    settings = (
        "auth_kind=bearer", "secret_ref=env:MES", 'headers={"x-plant": "1"}',
        "retryable_statuses={500,503}",
    )  # fmt: skip
    artery("endpoint", "add", "mes", "https://mes.example/api/v1", *settings)
    changed = artery.json("endpoint", "set", "mes", "base_url=https://other.example/api/v1")
    became = {row["setting"]: row["becomes"] for row in changed["changed"]}
    assert became == {
        "base_url": "https://other.example/api/v1", "auth_kind": "none", "secret_ref": None,
        "enabled": "false",
    }  # fmt: skip
    assert conn.execute("select headers, retryable_statuses from artery.endpoint").fetchall() == [
        ({"x-plant": "1"}, [500, 503])
    ]
    artery("endpoint", "set", "mes", "max_in_flight=7")
    artery("endpoint", "set", "mes", "max_in_flight=null")
    assert "so already" in artery("endpoint", "set", "mes", "max_in_flight=null").output
    artery("route", "add", "a.b", "mes", "/x")
    artery("endpoint", "add", "second", "https://second.example/v2")
    changed = artery.json("route", "set", "a.b", "endpoint=second", "method=PUT")["changed"]
    assert [row["setting"] for row in changed] == ["endpoint", "method"]


def test_all_wrong_settings_are_said_at_once_and_none_is_made(artery, conn) -> None:
    artery("endpoint", "add", "mes", "https://mes.example/api/v1")
    said = artery("endpoint", "set", "mes", "burst=x", "brust=1", "id=7", "cloud=false", rc=1)
    for part in ("IN014", "burst:", "no setting brust", "no setting id", "rate_per_second"):
        assert part in said.output
    assert conn.execute("select cloud from artery.endpoint").fetchall() == [(True,)]
    assert "burst >= 1" in artery("endpoint", "set", "mes", "burst=0", rc=1).output
    assert "IN007" in artery("endpoint", "add", "b", "https://mes.example/api", rc=1).output
    secret = artery("endpoint", "set", "mes", "secret_ref=hunter2", rc=1).output
    assert "IN008" in secret
    assert "hunter2" not in secret
    assert "exists" in artery("endpoint", "add", "mes", "https://mes.example/v1", rc=1).output
    for arguments in (
        ("endpoint", "set", "nix", "burst=1"),
        ("endpoint", "open", "nix", "--reason", "x"),
        ("route", "add", "a.b", "nix", "/x"),
    ):
        assert "There are: mes." in artery(*arguments, rc=2).output
    assert "IN001" in artery("route", "set", "nix", "priority=1", rc=1).output
    assert "IN001" in artery("route", "show", "nix", rc=1).output
    assert "NAME=VALUE" in artery("endpoint", "set", "mes", "burst", rc=2).output


def test_a_breaker_is_opened_and_closed_by_hand(artery) -> None:
    artery("endpoint", "add", "mes", "https://mes.example/api/v1")
    why = ("--reason", "their maintenance")
    assert "mes is open." in artery("endpoint", "open", "mes", *why).output
    assert "already" in artery("endpoint", "open", "mes", *why).output
    status = artery.json("endpoint", "show", "mes")["status"]
    assert (status["breaker"], status["reason"], status["by_hand"]) == ("open", why[1], True)
    assert "mes is closed." in artery("endpoint", "close", "mes", *why).output


def test_who_may_not_is_told_what_lacks(artery, conn) -> None:
    conn.execute("create role looker login")
    try:
        refused = artery("endpoint", "list", rc=5, user="looker").output
        assert "42501" in refused
        assert "artery_reader looks" in refused
        conn.execute("grant artery_operator to looker")
        artery("endpoint", "list", user="looker")
        assert (
            "42501"
            in artery("endpoint", "add", "a", "https://a.example/v1", rc=5, user="looker").output
        )
        conn.execute("grant artery_admin to looker")
        artery("endpoint", "add", "a", "https://a.example/v1", user="looker")
        artery("route", "add", "a.b", "a", "/x", user="looker")
        artery("endpoint", "show", "a", user="looker")
    finally:
        conn.execute("drop owned by looker; drop role looker")


def test_a_database_without_us_and_a_server_that_is_not_there_are_told_apart(
    cluster, tmp_path: Path
) -> None:
    def ask(dsn: str) -> Result:
        return CliRunner().invoke(main, ["task", "list", "--dsn", dsn])

    missing = ask(cluster.dsn("postgres"))
    assert missing.exit_code == 4
    assert "artery migrate" in missing.output
    away = ask(f"host={tmp_path} dbname=erp")
    assert away.exit_code == 3
    assert "Is the server up" in away.output
    assert "psql -l" in ask(cluster.dsn("nothing")).output


def test_logs_follow_new_calls_and_filter(
    artery, outbox: Outbox, artery_run, dsn, receiver
) -> None:
    outbox.enqueue(1)
    artery_run(dsn, "--until-idle").wait()
    command = [ARTERY, "logs", "--follow", "--json", "--dsn", dsn]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        first = json.loads(child.stdout.readline())
        outbox.conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'artery logs'"
        )  # as a restart of PostgreSQL does
        receiver.status = 400
        outbox.enqueue(2)
        artery_run(dsn, "--until-idle").wait()
        later = [json.loads(child.stdout.readline()) for _ in range(2)]
        time.sleep(1.5)
        child.send_signal(signal.SIGINT)
        assert child.stdout.read() == "", "each call once"
        assert child.stderr.read().count("does not answer, trying on") == 1
        assert child.wait(10) == 0
    assert first["outcome"] == "sent"
    assert [call["outcome"] for call in later] == ["dead", "dead"]
    assert len(artery.json("logs", "--failed")["calls"]) == 2
    assert len(artery.json("logs", "--status-code", "200", "--since", "1 hour ago")["calls"]) == 1
    assert artery.json("logs", "--before", "1 hour ago")["calls"] == []
    assert [c["task_id"] for c in artery.json("logs", "-n", "1")["calls"]] == [later[-1]["task_id"]]


def test_a_rejected_message_is_shown_whole_and_corrected(artery, conn, tmp_path: Path) -> None:
    conn.execute(
        "insert into artery_staging.plm_bom (message_id, body) values ('B-1', '{\"boms\": 7}')"
    )
    conn.execute("call artery.tick()")
    [found] = artery.json("staging", "list", "artery_staging.plm_bom")["messages"]
    shown = artery("staging", "show", "artery_staging.plm_bom", str(found["id"])).output
    assert '{"boms": 7}' in shown
    assert found["reasons"][0]["code"] in shown
    artery("staging", "show", "artery_staging.plm_bom", "4711", rc=1)
    mended = tmp_path / "mended.json"
    mended.write_text('{"boms": []}')
    correct = ("staging", "correct", "artery_staging.plm_bom", str(found["id"]), str(mended))
    assert "is corrected" in artery(*correct, "--reason", "by phone").output
    assert '"why": "by phone"' in json.dumps(artery.json(*correct[:1], "show", *correct[2:4]))
    assert "IN018" in artery(*correct, "--reason", "again", rc=1).output


def test_a_shell_completes_commands_and_names(artery, dsn: str) -> None:
    for shell in ("bash", "zsh", "fish"):
        result = CliRunner().invoke(main, ["completion", shell])
        assert "_ARTERY_COMPLETE" in result.output
    artery("endpoint", "add", "carrier", "https://carrier.example/v1")

    def complete(*words: str) -> str:
        env = os.environ | {
            "_ARTERY_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["artery", *words]),
            "COMP_CWORD": str(len(words)), "ARTERY_DSN": dsn,
        }  # fmt: skip
        return subprocess.run([ARTERY], env=env, capture_output=True, text=True).stdout

    assert "plain,endpoint" in complete("end")
    assert "plain,show" in complete("endpoint", "s")
    assert "plain,carrier" in complete("endpoint", "show", "ca")
    assert "plain,--follow" in complete("logs", "--f")
