"""What became of it? Receivers that accept and work later, lose calls, or act and do not answer;
real runners, killed in mid-send. No effect twice, none blindly, nothing forgotten."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from runner_harness import Outbox, task_rows
from test_policy import excess

from pg_artery.db import Session
from pg_artery.log import get
from pg_artery.reporter import Reporter
from pg_artery.work import lease_tasks
from receiver import Receiver, response

pytestmark = pytest.mark.one_server

JSON = "Content-Type: application/json"


class Bank(Receiver):
    """Keeps what took effect, by Request-ID, and honours none: a second call would count twice.

    The first word of the path says what a call does; `outcome/<Request-ID>` tells what it did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.effects: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.script: dict[int, bytes] = {}  # what to answer to the nth question about a call

    def posts(self) -> Counter[str]:
        return Counter(r.headers["x-request-id"] for r in self.requests if r.method == "POST")

    def _answer(self, peer: socket.socket, words: list[str], headers: dict[str, str]) -> bool:
        name = headers["x-request-id"]
        if words[0] == "outcome":
            name = words[1]
            self.asked[name] += 1
            known = response(b'{"state": "done", "no": "INV-7"}', 200, JSON)
            missing = response(
                b'{"title": "unknown"}', 404, "Content-Type: application/problem+json"
            )
            default = known if self.effects[name] else missing
            peer.sendall(self.script.get(self.asked[name], default))
            return True
        if words[0] == "mute":
            peer.sendall(response(b"{}", 500))
            return True
        self.seen[name] += 1
        if not (words[0] == "loses" and self.seen[name] == 1):
            self.effects[name] += 1
        if self.slow:
            time.sleep(self.slow)
        match words[0]:
            case "accepts":
                peer.sendall(response(b'{"id": 5}', 202, JSON))
            case "resets":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return False
            case "hangs":
                time.sleep(3)
            case "fails":
                peer.sendall(response(b"{}", int(words[1])))
            case _:
                peer.sendall(response(b'{"no": "INV-7"}', 201, JSON))
        return True


@pytest.fixture
def bank() -> Iterator[Bank]:
    running = Bank()
    yield running
    running.close()


def route(outbox: Outbox, bank: Bank, path: str, *, ask: str = "/outcome/", **columns: Any) -> None:
    """Add an endpoint that may not be called twice, with a route that says where to ask."""
    topic = path.strip("/").replace("/", ".")
    settings = {"idempotent": False, "connect_timeout": "300 ms", "total_timeout": "1 s"}
    outbox.add(topic, bank.url, path, **{**settings, "breaker_min_calls": 100_000, **columns})
    outbox.conn.execute(
        "update artery.route set status_path_template = %s, status_interval = '200 ms',"
        " status_deadline = '30 s', status_done = '$.state == \"done\"' where topic = %s",
        (ask + "{request_id}", topic),
    )


def test_202_is_polled_to_its_end(dsn, outbox, artery_run, bank):
    """Running, a fault, Retry-After, done: one call each, the questions within the rate limit."""
    rate, burst = 40, 5
    route(outbox, bank, "/accepts", idempotent=True, rate_per_second=rate, burst=burst)
    outbox.conn.execute("create table heard (reply jsonb)")
    outbox.conn.execute(
        "create function hear(jsonb) returns void language sql security definer"
        " as 'insert into public.heard values ($1)'"
    )
    outbox.conn.execute("update artery.route set reply_handler = 'public.hear'")
    bank.script = {
        1: response(b'{"state": "running"}', 200, JSON),
        2: response(b"{}", 503),
        3: response(b'{"state": "running"}', 200, JSON, "Retry-After: 1"),
    }
    for _ in range(2):
        artery_run(dsn).wait_started()
    outbox.enqueue(20, "accepts")
    outbox.wait({"sent": 20})
    assert set(bank.effects.values()) == {1}
    assert set(bank.asked.values()) == {4}
    assert outbox.value("select max(failures) from artery.integration_task") == 0
    told = outbox.value(
        "select count(*) from public.heard where reply -> 'body' ->> 'no' = 'INV-7'"
    )
    assert told == outbox.value("select count(*) from public.heard") == 20
    logged = "select count(*) from artery.cloud_log where {}status_query"
    assert outbox.value(logged.format("not ")) == 20
    assert outbox.value(logged.format("")) == 80
    assert excess([r.wall for r in bank.requests], rate, burst) < 0.5 / rate
    gaps = []
    for name in bank.asked:
        at = [r.at for r in bank.requests if r.path.endswith(name)]
        gaps.append(at[3] - at[2])
    assert min(gaps) >= 1.0, "Retry-After"
    assert not outbox.conn.execute("select * from artery_monitor.verify()").fetchall()


def test_killed_in_mid_send_it_is_asked_and_not_sent_blindly(dsn, outbox, artery_run, bank):
    """kill -9 with calls under way to an endpoint that honours no Request-ID."""
    bank.slow = 0.3
    route(outbox, bank, "/keeps", max_in_flight=100)
    route(outbox, bank, "/loses", max_in_flight=100)
    route(outbox, bank, "/works", ask="/mute/", max_in_flight=100)
    outbox.conn.execute("update artery.route set status_deadline = '3 s' where topic = 'works'")
    for topic in ("keeps", "loses", "works"):
        outbox.enqueue(8, topic)
    broken = artery_run(dsn, "--lease", "1", ARTERY_FAILPOINT="mid_send=0.2;seed=7")
    assert broken.wait() == -signal.SIGKILL
    time.sleep(0.5)
    reached = bank.posts()
    assert reached, "some were under way"
    lost = outbox.value("select count(*) from artery.integration_task where status = 'processing'")
    bank.slow = 0.0
    artery_run(dsn, "--lease", "1").wait_started()
    undecided = (
        "select count(*) from artery.integration_task where status in "
        "('pending', 'processing', 'failed')"
    )
    deadline = time.monotonic() + 30
    while outbox.value(undecided):
        assert time.monotonic() < deadline, outbox.statuses()
        time.sleep(0.05)

    rows = outbox.conn.execute(
        "select topic, status, request_id::text from artery.integration_task"
    ).fetchall()
    by_topic = {t: Counter(s for topic, s, _ in rows if topic == t) for t, _, _ in rows}
    print(f"{lost} lost in mid-send, of which {len(reached)} had arrived; {by_topic}")
    assert by_topic["keeps"] == by_topic["loses"] == {"sent": 8}
    assert by_topic["works"]["held"] > 0, "nobody answers: held for a person"
    assert max(bank.effects.values()) == 1, "no effect twice"
    posts = bank.posts()
    for topic, status, name in rows:
        if topic == "loses":
            assert bank.effects[name] == 1, "sent again, since it was never seen"
        if topic == "keeps":
            assert posts[name] == 1, "sent again, though it had arrived"
        if status == "held":
            assert posts[name] <= 1, "resent blindly"
    assert not outbox.conn.execute("select * from artery_monitor.verify()").fetchall()


@pytest.mark.parametrize("path", ["/resets", "/hangs", "/fails/500", "/fails/502", "/fails/504"])
def test_an_answer_that_says_nothing_is_asked_after(dsn, outbox, artery_run, bank, path):
    route(outbox, bank, path)
    topic = path.strip("/").replace("/", ".")
    outbox.enqueue(3, topic)
    running = artery_run(dsn, "--until-empty")
    assert running.wait() == 0
    assert outbox.statuses() == {"sent": 3}
    assert list(bank.effects.values()) == [1, 1, 1]
    assert set(bank.posts().values()) == {1}, "sent once"
    assert set(bank.asked.values()) == {1}


def test_faults_of_our_own_use_up_no_attempt(dsn, outbox, receiver, artery_run):
    outbox.add(
        "ours", receiver.url, auth_kind="bearer", secret_ref="env:ARTERY_TEST_NOT_SET",
        max_attempts=2, backoff_cap="100 ms",
    )  # fmt: skip
    outbox.enqueue(3, "ours")
    artery_run(dsn).wait_started()
    tried = "select min(attempt) from artery.integration_task"
    deadline = time.monotonic() + 20
    while outbox.value(tried) < 6:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert outbox.value("select max(failures) from artery.integration_task") == 0
    assert not receiver.requests
    outbox.conn.execute(
        "update artery.endpoint set auth_kind = 'none', secret_ref = null where name = 'ours'"
    )
    outbox.wait({"sent": 3})
    assert outbox.value("select max(failures) from artery.integration_task") == 0


def test_a_reply_handler_that_never_ends_costs_its_batch_nothing(dsn, conn, outbox, monkeypatch):
    """The runner cancels the report: the handler fails of it, the answer is kept."""
    conn.execute(
        "create function sleeps(p jsonb) returns void language plpgsql as"
        " $$ begin if p ->> 'task_id' = '2' then perform pg_sleep(60); end if; end $$"
    )
    conn.execute("update artery.route set reply_handler = 'public.sleeps'")
    outbox.enqueue(3)
    monkeypatch.setattr("pg_artery.reporter.REPORT_LIMIT", 0.5)
    runner = outbox.value("select artery.register_runner('t', 'h', 1, '0')")
    conn.execute("select artery.claim_tasks(%s)", (runner,))
    settled: list[int] = []
    reporter = Reporter(
        Session(dsn), lambda: runner, 10, lambda: False,
        lambda task: settled.append(task.id), lambda _: None, get(pid=0),
    )  # fmt: skip
    for task in lease_tasks(task_rows(3), time.monotonic(), 30).tasks.values():
        result = {
            "id": task.id,
            "attempt": 1,
            "span_id": task.span_id,
            "url": "x",
            "status_code": 200,
        }
        reporter.put(task, result)
    reporter.finish()
    thread = threading.Thread(target=reporter.run)
    began = time.monotonic()
    thread.start()
    while thread.is_alive():
        reporter.cancel_overdue()
        time.sleep(0.05)
    assert time.monotonic() - began < 10
    assert sorted(settled) == [1, 2, 3]
    assert outbox.statuses() == {"sent": 3}
    kept = conn.execute(
        "select id, handler_error ->> 'sqlstate', handler_due_at > clock_timestamp() + '500 ms'"
        " from artery.integration_task where handler_status = 'failed'"
    ).fetchall()
    assert kept == [(2, "57014", True)]


def test_a_step_that_ignores_its_time_limit_is_cancelled(conn, connect):
    """By another session of the same role; the steps after it run."""
    conn.execute("delete from artery.sweep_step")
    conn.execute(
        "create function stuck(timestamptz) returns bigint language plpgsql as"
        " $$ begin perform pg_sleep(60); return 1; end $$"
    )
    conn.execute(
        "create function fine(timestamptz) returns bigint language sql as 'select 1::bigint'"
    )
    conn.execute(
        "insert into artery.sweep_step (name, function, every, time_limit, position) values"
        " ('stuck', 'public.stuck', '1 hour', '100 ms', 1),"
        " ('fine', 'public.fine', '1 hour', '1 s', 2)"
    )
    tick: psycopg.Connection = connect()
    thread = threading.Thread(target=lambda: tick.execute("call artery.tick()"))
    began = time.monotonic()
    thread.start()
    cancelled = 0
    while thread.is_alive():
        assert time.monotonic() - began < 20
        cancelled += conn.execute("select artery.cancel_overdue_steps()").fetchone()[0]
        time.sleep(0.1)
    assert time.monotonic() - began > 5, "it is given twice its limit and five seconds"
    assert cancelled >= 1
    rows = conn.execute("select name, outcome, error ->> 'sqlstate' from artery.sweep_step")
    assert sorted(rows) == [("fine", "done", None), ("stuck", "failed", "57014")]
    assert conn.execute("select artery.cancel_overdue_steps()").fetchone() == (0,)
