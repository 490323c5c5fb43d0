"""What the runner's tests are made with: a transport without a database, a runner, an outbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from pg_artery.endpoint import Endpoint
from pg_artery.transport import Transport
from pg_artery.wakeup import Wakeup
from pg_artery.work import Task


def endpoint(base_url: str, **changes: Any) -> Endpoint:
    """An endpoint as endpoint_config gives it, short deadlines."""
    row = {
        "id": 1,
        "version": 1,
        "name": "test",
        "base_url": base_url,
        "auth_kind": "none",
        "secret_ref": None,
        "headers": {},
        "connect_timeout_ms": 300,
        "tls_timeout_ms": 300,
        "first_byte_timeout_ms": 1000,
        "total_timeout_ms": 1000,
        "max_response_bytes": 100_000,
        "enabled": True,
        "idempotent": True,
        "signing_ref": None,
        "egress_rules": [],
        "access": {},
    }
    assert changes.keys() <= row.keys()
    return Endpoint(row | changes)


def task_rows(count: int, path: str = "/ok", **changes: Any) -> list[tuple[Any, ...]]:
    """Rows as claim_tasks gives them."""
    row = {
        "id": 0,
        "attempt": 1,
        "request_id": "",
        "endpoint_id": 1,
        "endpoint_version": 1,
        "method": "POST",
        "path": path,
        "content_type": "application/json",
        "headers": None,
        "body": '{"n": 1}',
        "download_bytes": None,
        "delay_ms": 0.0,
    }
    assert changes.keys() <= row.keys()
    row |= changes
    return [
        tuple((row | {"id": n, "request_id": f"00000000-0000-4000-8000-{n:012}"}).values())
        for n in range(1, count + 1)
    ]


class Sent:
    """What a transport without a database came to."""

    def __init__(self, concurrency: int = 16, per_endpoint: int = 8, margin: float = 1.0) -> None:
        self.results: dict[int, dict[str, Any]] = {}
        self.forgotten: list[Task] = []
        self.transport = Transport(
            concurrency, per_endpoint, margin, self._deliver, self.forgotten.append
        )
        self.wake = Wakeup()

    def _deliver(self, task: Task, result: dict[str, Any]) -> None:
        self.results[task.id] = result

    def pump(self, seconds: float, until: Callable[[], object] = lambda: False) -> None:
        deadline = time.monotonic() + seconds
        while not until() and time.monotonic() < deadline:
            self.transport.pump(self.wake, 0.02)


def until(holds: Callable[[], object], seconds: float = 20) -> float:
    """Wait until something holds; gives the seconds it took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - started


class Running:
    """`artery run` as a process of its own, its log in a file."""

    def __init__(self, dsn: str, log: Path, *options: str, **environment: str) -> None:
        self.log = log
        self._file = log.open("w")
        command = [sys.executable, "-m", "pg_artery", "run", "--dsn", dsn, "--log-format", "json"]
        self.process = subprocess.Popen(
            [*command, *options],
            stderr=self._file,
            env={**os.environ, **environment},
            # a shell's background job, and all that it starts, ignores SIGINT
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def wait_started(self, count: int = 1, seconds: float = 20) -> Running:
        """Wait until so many processes have said that they started."""
        deadline = time.monotonic() + seconds
        while self.log.read_text().count('"event": "started"') < count:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return self

    def end(self, sign: int, seconds: float = 20) -> int:
        self.process.send_signal(sign)
        return self.wait(seconds)

    def wait(self, seconds: float = 30) -> int:
        code = self.process.wait(seconds)
        self._file.close()
        return code

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line[:1] == "{"]


class Outbox:
    """One endpoint with one route in a database, and what became of its tasks."""

    def __init__(self, conn: psycopg.Connection, url: str) -> None:
        self.conn = conn
        self.add("to", url)

    def add(self, topic: str, url: str, path: str = "/ok", **columns: Any) -> None:
        names = "".join(f", {name}" for name in columns)
        marks = ", %s" * len(columns)
        number = self.conn.execute(
            f"insert into artery.endpoint (name, base_url, backoff_base{names}) "
            f"values (%s, %s, '50 ms'{marks}) returning id",
            (topic, url, *columns.values()),
        ).fetchone()
        self.conn.execute(
            "insert into artery.route (topic, endpoint_id, path_template) values (%s, %s, %s)",
            (topic, number[0], path),
        )

    def enqueue(self, count: int, topic: str = "to") -> None:
        self.conn.execute(
            "select count(artery.enqueue_task(%s, jsonb_build_object('n', n))) "
            "from generate_series(1, %s) as n",
            (topic, count),
        )

    def statuses(self) -> dict[str, int]:
        return dict(
            self.conn.execute(
                "select status, count(*) from artery.integration_task group by status"
            ).fetchall()
        )

    def value(self, query: str) -> Any:
        return self.conn.execute(query).fetchone()[0]

    def wait(self, expected: dict[str, int], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while (now := self.statuses()) != expected:
            assert time.monotonic() < deadline, f"{now}, not {expected}"
            time.sleep(0.02)
