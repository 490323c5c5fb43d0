"""A runner against real PostgreSQL: what it delivers, how it starts, drains, dies, comes back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from runner_harness import Outbox

import pg_artery
from pg_artery.migrate import migrate

pytestmark = pytest.mark.one_server


def test_each_task_arrives_once_and_is_recorded(dsn, outbox, receiver, artery_run):
    outbox.enqueue(500)
    running = artery_run(dsn, "--until-empty")
    assert running.wait() == 0
    assert outbox.statuses() == {"sent": 500}
    assert set(receiver.ids().values()) == {1}
    assert len(receiver.ids()) == 500
    assert outbox.value("select count(*) from artery.cloud_log where outcome = 'sent'") == 500
    assert outbox.value("select count(*) from artery.runner where stopped_at is not null") == 1


def test_what_fails_is_tried_again(dsn, outbox, receiver, artery_run):
    receiver.status = 503
    outbox.enqueue(5)
    running = artery_run(dsn, "--until-empty").wait_started()
    receiver.wait_for(8)
    receiver.status = 200
    assert running.wait() == 0
    assert outbox.statuses() == {"sent": 5}
    assert outbox.value("select min(failures) from artery.integration_task") >= 1


def test_a_new_task_is_sent_within_milliseconds(dsn, outbox, receiver, artery_run):
    running = artery_run(dsn).wait_started()
    outbox.enqueue(1)
    receiver.wait_for(1)
    delays = []
    for n in range(2, 42):
        time.sleep(0.05)
        outbox.enqueue(1)
        committed = time.monotonic()
        receiver.wait_for(n)
        delays.append(receiver.requests[-1].at - committed)
    # generous: the machine is shared, and polling alone would take up to a second
    assert sorted(delays)[20] < 0.05, delays
    assert running.end(signal.SIGTERM) == 0


def test_polling_alone_finds_work(dsn, outbox, receiver, artery_run):
    artery_run(dsn, "--no-listen").wait_started()
    time.sleep(1)
    outbox.enqueue(3)
    outbox.wait({"sent": 3}, 5)


def test_sigterm_drains(dsn, outbox, receiver, artery_run):
    receiver.slow = 1.0
    outbox.enqueue(200)
    running = artery_run(dsn, "--concurrency", "20").wait_started()
    receiver.wait_for(10)
    time.sleep(0.2)
    began = time.monotonic()
    assert running.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 5
    statuses = outbox.statuses()
    assert statuses["sent"] == len(receiver.requests), "what was under way was awaited"
    assert statuses["pending"] == 200 - statuses["sent"], "the rest was given back"
    assert set(receiver.ids().values()) == {1}
    attempts = "select max(failures) from artery.integration_task where status = 'pending'"
    assert outbox.value(attempts) == 0


def test_a_drain_has_an_end(dsn, outbox, receiver, artery_run):
    receiver.slow = 25.0
    outbox.enqueue(3)
    running = artery_run(dsn, "--drain-timeout", "1").wait_started()
    receiver.wait_for(3)
    assert running.end(signal.SIGTERM) == 0
    assert outbox.statuses() == {"failed": 3}
    kinds = "select string_agg(distinct error ->> 'kind', ',') from artery.integration_task"
    assert outbox.value(kinds) == "interrupted"


def test_a_second_signal_ends_at_once(dsn, outbox, receiver, artery_run):
    receiver.slow = 25.0
    outbox.enqueue(1)
    running = artery_run(dsn).wait_started()
    receiver.wait_for(1)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert running.end(signal.SIGTERM) == 128 + signal.SIGTERM


def test_a_killed_runner_s_work_is_done_by_another(dsn, outbox, receiver, artery_run):
    receiver.slow = 0.3
    outbox.enqueue(100)
    first = artery_run(dsn, "--lease", "3", "--concurrency", "10").wait_started()
    receiver.wait_for(15)
    first.process.kill()
    killed = time.monotonic()
    in_flight = outbox.statuses()["processing"]
    assert in_flight
    receiver.slow = 0.0
    artery_run(dsn, "--lease", "3")
    outbox.wait({"sent": 100}, 15)
    assert time.monotonic() - killed < 3 + 2 + 1
    extra = sum(receiver.ids().values()) - 100
    assert extra <= in_flight
    assert len(receiver.ids()) == 100


@pytest.mark.parametrize(
    "step",
    ["before_claim", "after_claim", "mid_send", "after_reply", "before_report", "after_report"],
)
def test_killed_at_a_fail_point_nothing_is_lost(dsn, outbox, receiver, artery_run, step):
    outbox.enqueue(20)
    broken = artery_run(dsn, "--lease", "1", ARTERY_FAILPOINT=f"{step};seed=1")
    assert broken.wait() == -signal.SIGKILL
    artery_run(dsn, "--lease", "1")
    outbox.wait({"sent": 20}, 20)
    assert len(receiver.ids()) == 20
    resent = sum(receiver.ids().values()) - 20
    if step in ("before_claim", "after_claim"):
        assert resent == 0
    elif step in ("after_reply", "before_report"):
        assert resent >= 1


def test_a_lease_is_renewed_while_a_call_takes_long(dsn, outbox, receiver, artery_run):
    receiver.slow = 3.0
    outbox.enqueue(3)
    artery_run(dsn, "--lease", "1").wait_started()
    artery_run(dsn, "--lease", "1").wait_started()
    outbox.wait({"sent": 3})
    assert set(receiver.ids().values()) == {1}


def test_many_tasks_behind_a_slow_endpoint_keep_their_leases(dsn, outbox, receiver, artery_run):
    receiver.slow = 0.5
    outbox.enqueue(60)
    for _ in range(2):
        artery_run(dsn, "--lease", "1", "--concurrency", "10").wait_started()
    outbox.wait({"sent": 60})
    assert set(receiver.ids().values()) == {1}


def test_postgresql_crashes_and_restarts_under_load(own_cluster, receiver, artery_run):
    dsn = own_cluster.create_database("crash")
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        Outbox(conn, receiver.url).enqueue(5000)
    running = artery_run(dsn, "--lease", "3").wait_started()
    for mode in ("immediate", "fast", "immediate"):
        before = len(receiver.requests)
        receiver.wait_for(before + 200)
        own_cluster.restart(mode)
    with psycopg.connect(dsn, autocommit=True) as conn:
        outbox = Outbox.__new__(Outbox)
        outbox.conn = conn
        outbox.wait({"sent": 5000}, 60)
        logged = "select count(distinct task_id) from artery.cloud_log where outcome = 'sent'"
        assert outbox.value(logged) == 5000
    assert len(receiver.ids()) == 5000
    assert running.process.poll() is None
    assert running.end(signal.SIGTERM) == 0


def test_results_outlive_a_restart_of_postgresql(own_cluster, receiver, artery_run):
    dsn = own_cluster.create_database("memory")
    migrate(dsn)
    receiver.slow = 1.0
    with psycopg.connect(dsn, autocommit=True) as conn:
        Outbox(conn, receiver.url).enqueue(10)
    artery_run(dsn, "--lease", "20").wait_started()
    receiver.wait_for(10)
    own_cluster.stop("immediate")
    time.sleep(1.5)  # the answers come in meanwhile
    own_cluster.start()
    with psycopg.connect(dsn, autocommit=True) as conn:
        outbox = Outbox.__new__(Outbox)
        outbox.conn = conn
        outbox.wait({"sent": 10}, 10)
    assert set(receiver.ids().values()) == {1}


def test_processes_share_the_work_and_the_dead_are_replaced(dsn, outbox, receiver, artery_run):
    receiver.slow = 0.02
    running = artery_run(dsn, "--processes", "2", "--lease", "2").wait_started(2)
    parent = running.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    assert len(children) == 2
    outbox.enqueue(2000)
    receiver.wait_for(50)
    os.kill(int(children[0]), signal.SIGKILL)
    outbox.wait({"sent": 2000})
    running.wait_started(3)  # a second after the death, and later on a busy machine
    assert outbox.value("select count(*) from artery.runner") == 3
    assert running.end(signal.SIGTERM) == 0


def test_processes_do_not_outlive_their_parent(dsn, outbox, artery_run):
    running = artery_run(dsn, "--processes", "2").wait_started()
    parent = running.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    running.process.kill()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_runner_that_the_database_forgot_registers_again(dsn, outbox, receiver, artery_run):
    artery_run(dsn).wait_started()
    outbox.conn.execute("delete from artery.runner")
    outbox.enqueue(3)
    outbox.wait({"sent": 3})


def test_a_silent_endpoint_starves_nobody(dsn, outbox, receiver, artery_run):
    outbox.add("mute", receiver.url, "/silent", total_timeout="20 s", connect_timeout="1 s")
    outbox.enqueue(5000, "mute")
    artery_run(dsn, "--concurrency", "8", "--batch", "50").wait_started()
    time.sleep(2)
    outbox.enqueue(500)
    began = time.monotonic()
    count = "select count(*) from artery.integration_task where topic = 'to' and status = 'sent'"
    while outbox.value(count) < 500:
        assert time.monotonic() - began < 8, outbox.value(count)
        time.sleep(0.05)


@pytest.fixture
def runner_user(conn, dsn, connect):
    conn.execute("drop role if exists artery_test_runner")
    conn.execute("create role artery_test_runner login in role artery_runner")
    yield psycopg.conninfo.make_conninfo(dsn, user="artery_test_runner")
    conn.execute("drop role artery_test_runner")


def test_the_role_artery_runner_is_enough(runner_user, outbox, receiver, artery_run):
    outbox.enqueue(5)
    running = artery_run(runner_user, "--until-empty")
    assert running.wait() == 0, running.log.read_text()
    assert outbox.statuses() == {"sent": 5}
    assert not [line for line in running.lines() if line["level"] in ("error", "warning")]


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pg_artery", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_exit_codes(cluster):
    assert cli("--until-idle", "--until-empty").returncode == 2
    unreachable = cli("--dsn", "host=127.0.0.1 port=1 dbname=x")
    assert unreachable.returncode == 3, unreachable.stderr
    unreachable = cli("--dsn", "host=127.0.0.1 port=1 dbname=x", "--processes", "2")
    assert unreachable.returncode == 3, unreachable.stderr
    assert "Is the server up" in unreachable.stderr
    with cluster.database("bare") as bare:
        bare_run = cli("--dsn", bare)
    assert bare_run.returncode == 4
    assert "artery migrate" in bare_run.stderr


def test_a_runner_waits_for_postgresql_if_told_to(own_cluster, receiver, artery_run):
    dsn = own_cluster.create_database("late")
    migrate(dsn)
    own_cluster.stop()
    running = artery_run(dsn, "--wait", "30", "--until-idle")
    threading.Timer(1.5, own_cluster.start).start()
    assert running.wait() == 0


RUNNER_MODULES = (
    "access", "call", "claimer", "commands/run", "config", "daemon", "db", "deadlines", "egress",
    "endpoint", "failpoint", "handle", "lane", "leases", "log", "oauth", "outcome", "probe",
    "reporter", "supervise", "tokens", "transport", "wakeup", "work",
)  # fmt: skip


def test_the_runner_knows_functions_and_no_table(conn):
    package = Path(pg_artery.__file__).parent
    tables = conn.execute(
        "select c.relname from pg_class as c where c.relnamespace in ("
        "select n.oid from pg_namespace as n where n.nspname like 'artery%') "
        "and c.relkind in ('r', 'p', 'v', 'm')"
    ).fetchall()
    assert len(tables) > 5
    names = "|".join(name for (name,) in tables)
    named = re.compile(rf"(?<!pg_)\bartery\w*\.({names})\b(?!\()")
    statement = re.compile(
        r'"(select|insert|update|delete|call|listen|with|merge)\s', re.IGNORECASE
    )
    for module in RUNNER_MODULES:
        text = (package / f"{module}.py").read_text()
        assert not named.search(text), module
        if module != "db":
            quoted = [line for line in text.splitlines() if re.search(r"artery\.\w+\(", line)]
            assert not quoted, (module, quoted)
    db = (package / "db.py").read_text()
    block = db[db.index("REGISTER =") : db.index("# A DSN may")]
    statements = re.findall(r'(\w+) = (?:"""|")(.*?)(?:"""|")', block, re.S)
    assert len(statements) >= 19
    for name, text in statements:
        assert re.fullmatch(
            r"\s*(select (artery\w*\.\w+\([^()]*\)|"
            r"((?!\bfrom\b)[^;])+from artery\w*\.\w+\([^()]*\) as \w)"
            r"|call artery\.\w+\(\)|listen \w+)\s*",
            text,
        ), name
    assert not statement.search(db.replace(block, "")), "statements stand in the block alone"
