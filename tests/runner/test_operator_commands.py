"""`artery status`, `task`, `staging`, `saga`, `verify`, `doctor`: as an operator uses them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from runner_harness import Outbox

from pg_artery.cli import main

pytestmark = pytest.mark.one_server


@pytest.fixture
def artery(dsn: str):
    def run(*arguments: str, rc: int = 0, given: str | None = None) -> Result:
        result = CliRunner().invoke(main, [*arguments, "--dsn", dsn], input=given)
        assert result.exit_code == rc, result.output
        return result

    def read(*arguments: str, rc: int = 0) -> dict:
        # cli.py looks at sys.argv to tell whether an error goes out as JSON
        return json.loads(run(*arguments, "--json", rc=rc).stdout)

    run.json = read
    return run


def test_a_dead_task_is_found_read_retried_and_sent(
    artery, outbox: Outbox, receiver, artery_run, dsn
) -> None:
    outbox.conn.execute("call artery.tick()")
    receiver.status = 400
    outbox.enqueue(1)
    task = outbox.value("select min(id) from artery.integration_task")
    artery_run(dsn, "--until-idle").wait()
    assert "1 dead" in artery("status").output
    [found] = artery.json("task", "list", "--status", "dead")["tasks"]
    assert (found["id"], found["status_code"]) == (task, 400)
    story = artery("task", "show", str(task)).output
    assert "called: dead" in story
    assert "400" in story
    receiver.status = 200
    artery("task", "retry", str(task), "--reason", "receiver mended")
    artery_run(dsn, "--until-idle").wait()
    story = artery("task", "show", str(task)).output
    assert "receiver mended" in story
    assert story.splitlines()[-1].split()[-1] == "sent"
    assert artery.json("status")["attention"] == []
    assert artery.json("verify") == {"holds": True, "broken": []}


def test_many_are_retried_after_asking_and_none_by_a_slip(artery, outbox, conn) -> None:
    outbox.enqueue(3)
    tasks = [n for (n,) in conn.execute("select id from artery.integration_task order by id")]
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute("update artery.integration_task set status = 'dead', ended_at = now()")
    retry = ("task", "retry", "--status", "dead", "--reason", "back")
    artery(*retry, rc=1, given="n\n")
    assert len(artery.json("task", "list", "--status", "dead")["tasks"]) == 3
    assert "3 tasks retried" in artery(*retry, given="y\n").output
    artery("task", "retry", "--reason", "all?", rc=2)
    artery("task", "retry", str(tasks[0]), "--status", "dead", "--reason", "both?", rc=2)
    artery("task", "cancel", str(tasks[1]), "--reason", "order withdrawn")
    assert "order withdrawn" in artery("task", "show", str(tasks[1])).output


def test_what_is_on_hold_stays_until_released(artery, outbox: Outbox, receiver, artery_run, dsn):
    """A runner sends the others, ends as idle, and its sleep is not disturbed."""
    outbox.conn.execute("call artery.tick()")
    outbox.enqueue(3)
    first = outbox.value("select min(id) from artery.integration_task")
    artery("task", "hold", str(first), rc=2)  # no reason
    assert "1 task put on hold" in artery("task", "hold", str(first), "--reason", "recall").output
    artery_run(dsn, "--until-idle").wait()
    assert len(receiver.requests) == 2
    [found] = artery.json("task", "list", "--on-hold")["tasks"]
    assert (found["id"], found["due_at"]) == (first, None)
    assert "pending, on hold" in artery("task", "list").output
    assert "on hold" in artery("status").output
    assert "recall" in artery("task", "show", str(first)).output
    released = ("task", "release", "--endpoint", found["endpoint"], "--reason", "over")
    artery(*released, given="n\n", rc=1)
    assert artery.json(*released) == {"released": 1}
    artery_run(dsn, "--until-idle").wait()
    assert len(receiver.requests) == 3
    assert artery.json("verify") == {"holds": True, "broken": []}


def test_errors_are_those_of_the_database(artery) -> None:
    result = artery("task", "retry", "4711", "--reason", "x", rc=1)
    assert "IN005" in result.output
    assert "hint:" in result.output
    assert "IN005" in artery("task", "show", "4711", rc=1).output
    assert "IN017" in artery("staging", "list", "artery_staging.nothing", rc=1).output


def test_doctor_names_the_fault_and_its_mend(artery, conn, dsn, tmp_path: Path) -> None:
    lines = {line["subject"]: line for line in artery.json("doctor", rc=1)["checks"]}
    assert lines["schema"]["state"] == "ok"
    assert lines["clock"]["state"] == "ok"
    key = tmp_path / "key"
    key.write_text("k")
    key.chmod(0o644)
    result = artery.json("doctor", "--vault-key-file", str(key), rc=1)
    lines = {line["subject"]: line for line in result["checks"]}
    assert lines["vault key"]["mend"] == f"chmod 600 {key}"
    key.unlink()
    result = artery.json("doctor", "--vault-key-file", str(key), rc=1)
    lines = {line["subject"]: line for line in result["checks"]}
    assert lines["vault key"]["state"] == "critical"


def test_doctor_sees_who_holds_back_vacuum(artery, conn, dsn) -> None:
    with psycopg.connect(dsn, application_name="long report") as other:
        other.execute("set transaction isolation level repeatable read")
        other.execute("select 1 from artery.route limit 1")
        holders = conn.execute("select who from artery_monitor.xmin_holders").fetchall()
        assert any("long report" in who for (who,) in holders)


def test_status_watches_until_told_to_stop(dsn: str, conn) -> None:
    """A connection that is cut, as by a restart of PostgreSQL, is told and made again."""
    artery = Path(sys.executable).with_name("artery")
    command = [str(artery), "status", "--watch", "--every", "0.2", "--dsn", dsn]
    sessions = "from pg_stat_activity where application_name = 'artery status'"
    leader, follower = os.openpty()
    os.set_blocking(leader, False)
    shown = b""

    def see(text: bytes, seconds: float = 20) -> None:
        nonlocal shown
        deadline = time.monotonic() + seconds
        while text not in shown:
            assert time.monotonic() < deadline, (text, shown[-3000:])
            time.sleep(0.05)
            with contextlib.suppress(BlockingIOError, OSError):
                shown += os.read(leader, 65536)

    with (
        subprocess.Popen(command, stdout=follower, stderr=follower) as child,
        contextlib.ExitStack() as ending,
    ):
        ending.callback(child.kill)
        os.close(follower)
        see(b"\x1b[?1049h")  # a screen of its own
        see(b"artery_staging")
        cut = f"select count(pg_terminate_backend(pid)) {sessions}".encode()
        assert conn.execute(cut).fetchone() == (1,)
        see(b"PostgreSQL does not answer")
        deadline = time.monotonic() + 10
        while conn.execute(f"select count(*) {sessions}".encode()).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        see(b"\x1b[?1049l")  # and the old one back
        assert child.wait(10) in (0, 1)


def test_lists_that_are_empty_say_so(artery) -> None:
    assert "No task matches" in artery("task", "list").output
    assert "No saga waits" in artery("saga", "list").output
    assert "no saga" in artery("saga", "list", "--all").output
    assert "artery run" in artery("runner", "list").output
    assert artery.json("saga", "show", "1") == {"saga": 1, "history": []}
