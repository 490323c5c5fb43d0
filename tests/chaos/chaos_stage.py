"""What chaos needs alive: a producer, a receiver, runners, and a witness of what stays too long."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from chaos_receiver import Receipt, read_record
from psycopg.types.json import Jsonb

HERE = Path(__file__).parent
STRICT = "chaos.strict"  # its receiver does not promise to honour the Request-ID
TOPICS = ("chaos.a", "chaos.b", "chaos.c", STRICT)
KEYS = 8
PAUSED = "paused past its lease"
SETUP = """
create table public.business (
    n bigint generated always as identity primary key,
    request_id uuid not null unique, task_id bigint not null, topic text not null, ordering_key text
)"""


def child(module: str, *arguments: str, log: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start `python -m module` in a session of its own; it ends when this thread does."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "pg_artery.demo.child", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if module == "chaos_receiver" else file,
            stderr=file,
            env=os.environ | {"PYTHONPATH": str(HERE)} | env,
            start_new_session=True,
        )


@dataclass(frozen=True)
class Fault:
    """What was done to whom, from `at` until `until`; `pid` None is the server, which hits all."""

    at: float
    until: float
    kind: str
    pid: int | None = None

    @property
    def gone_from(self) -> float:
        """When the runner stopped delivering."""
        return self.at if self.kind == PAUSED else self.until


class Runner:
    """A real `artery run`."""

    def __init__(
        self, stage: Stage, name: str, dsn: str, *options: str, failpoint: str = ""
    ) -> None:
        self.log = stage.directory / f"{name}.log"
        self.started = time.time()
        self.process = child(
            "pg_artery", "run", "--name", name, "--lease", str(stage.lease), "--wait", "60",
            "--concurrency", "32", "--log-format", "json", *options,
            log=self.log, ARTERY_DSN=dsn, ARTERY_FAILPOINT=failpoint,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.log.name} did not end within 30 s of {how.name}") from None


@dataclass
class Stage:
    """One database under load. `faults` is what was done to it, `complaints` what went wrong."""

    dsn: str
    seed: int
    directory: Path
    lease: float
    rate: float = 80.0
    faults: list[Fault] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)  # Request-ID -> SHA-256
    acknowledged: set[str] = field(default_factory=set)
    rolled_back: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.quiet_until = 0.0
        self._ended = threading.Event()
        self._producing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._runners: list[Runner] = []
        self._receiver: subprocess.Popen[bytes] | None = None

    # -- life -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def running(self) -> Iterator[Stage]:
        try:
            self._start_receiver()
            self._set_up()
            self._producing.set()
            for work in (self._produce, self._witness):
                self._threads.append(threading.Thread(target=self._guard, args=(work,)))
                self._threads[-1].start()
            yield self
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join(30)
            for runner in self._runners:
                runner.process.kill()
                runner.process.wait()
            if self._receiver is not None:
                self._receiver.kill()
                self._receiver.wait()

    def _guard(self, work: Any) -> None:
        try:
            work()
        except BaseException as error:
            self.complaints.append(f"{work.__name__}: {error!r}")

    @property
    def record(self) -> Path:
        return self.directory / "receiver.jsonl"

    @property
    def receipts(self) -> list[Receipt]:
        return read_record(self.record)

    def _start_receiver(self) -> None:
        log = self.directory / "receiver.log"
        self._receiver = child("chaos_receiver", str(self.record), str(self.seed), log=log)
        assert self._receiver.stdout is not None
        self.port = int(self._receiver.stdout.readline() or 0)
        assert self.port, log.read_text()

    def _set_up(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            conn.execute(SETUP)
            for topic in TOPICS:
                conn.execute(
                    "with e as (insert into artery.endpoint (name, base_url, total_timeout, "
                    "connect_timeout, backoff_base, backoff_cap, max_attempts, breaker_min_calls, "
                    "idempotent) values (%s, %s, '2 s', '1 s', '100 ms', '1 s', 1000, 1000000, %s) "
                    "returning id) "
                    "insert into artery.route (topic, endpoint_id, path_template) "
                    "select %s, e.id, '/take' from e",
                    (topic, f"http://127.0.0.1:{self.port}/v1", topic != STRICT, topic),
                )

    def runner(
        self, name: str, *options: str, dsn: str | None = None, failpoint: str = ""
    ) -> Runner:
        """Start a runner, which ends with the stage."""
        self._runners.append(Runner(self, name, dsn or self.dsn, *options, failpoint=failpoint))
        return self._runners[-1]

    # -- the business -----------------------------------------------------------------------------

    def _produce(self) -> None:
        """Commit and roll back transactions of one to four tasks at `rate` tasks a second."""
        dice = random.Random(f"{self.seed} produce")
        conn: psycopg.Connection | None = None
        due = time.monotonic()
        while self._producing.is_set() and not self._ended.is_set():
            self._ended.wait(max(due - time.monotonic(), 0))
            due = max(due, time.monotonic() - 1)
            orders = [self._order(dice) for _ in range(dice.randint(1, 4))]
            due += len(orders) / self.rate
            commit = dice.random() >= 0.1
            try:
                if conn is None or conn.closed:
                    conn = psycopg.connect(self.dsn)
                for order in orders:
                    self._enqueue(conn, *order)
                if not commit:
                    self.rolled_back.update(order[0] for order in orders)
                    conn.rollback()
                    continue
                conn.commit()
                self.acknowledged.update(order[0] for order in orders)
            except psycopg.OperationalError:
                self._ended.wait(0.1)

    def _order(self, dice: random.Random) -> tuple[str, str, str | None]:
        request_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        topic = dice.choice(TOPICS)
        # a held task holds back its key for good: keys only where nothing is held
        keyed = dice.random() < 0.25 and topic != STRICT
        return request_id, topic, f"key-{dice.randrange(KEYS)}" if keyed else None

    def _enqueue(
        self, conn: psycopg.Connection, request_id: str, topic: str, key: str | None
    ) -> None:
        body = Jsonb({"order": request_id, "lines": [request_id[:8]] * 5})
        text, task = conn.execute(
            "select %s::jsonb::text, artery.enqueue_task(p_topic => %s, p_body => %s, "
            "p_request_id => %s, p_ordering_key => %s, p_document_id => %s)",
            (body, topic, body, request_id, key, request_id),
        ).fetchone()  # type: ignore[misc]
        self.bodies[request_id] = hashlib.sha256(text.encode()).hexdigest()
        conn.execute(
            "insert into public.business (request_id, task_id, topic, ordering_key) "
            "values (%s, %s, %s, %s)",
            (request_id, task, topic, key),
        )

    def finish(self, patience: float) -> None:
        """Stop producing and wait until nothing is open; complains after `patience` seconds."""
        self._producing.clear()
        self._threads[0].join(30)
        deadline = time.monotonic() + patience
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            while True:
                rows = conn.execute(
                    "select id from artery.integration_task "
                    "where status in ('pending', 'processing', 'failed') order by id"
                ).fetchall()
                if not rows:
                    return
                if time.monotonic() > deadline:
                    ids = [row[0] for row in rows[:10]]
                    self.complaints.append(f"{len(rows)} tasks still open, such as {ids}")
                    return
                time.sleep(0.1)

    # -- the witness ------------------------------------------------------------------------------

    def _witness(self) -> None:
        """Twice a second: nothing sits past its lease, and artery_monitor.verify() says nothing."""
        conn: psycopg.Connection | None = None
        while not self._ended.wait(0.5):
            if time.time() < self.quiet_until:
                continue
            try:
                if conn is None or conn.closed:
                    conn = psycopg.connect(self.dsn, autocommit=True)
                late = conn.execute(
                    "select id, attempt, clock_timestamp() - locked_until "
                    "from artery.integration_task where status = 'processing' "
                    "and locked_until < clock_timestamp() - interval '2 s'"
                ).fetchall()
                # a step of every second runs within two: each tick may come just too early
                wrong = conn.execute("select * from artery_monitor.verify('4 s')").fetchall()
            except psycopg.OperationalError:
                continue
            if time.time() < self.quiet_until:
                continue
            self.complaints += [f"in processing past its lease and a sweep: {row}" for row in late]
            self.complaints += [f"artery_monitor.verify() says {row}" for row in wrong]
            if late or wrong:
                self.quiet_until = time.time() + 5
