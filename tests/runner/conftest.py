"""Fixtures: a receiver, one call to it, runners as processes of their own, an outbox."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from runner_harness import Outbox, Running, Sent, endpoint, task_rows

from pg_artery.work import Lease, lease_tasks
from receiver import Receiver

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()


@pytest.fixture
def call(receiver: Receiver) -> Call:
    """Make one call: path, endpoint settings by name, the task's by `task=`; gives its report."""

    def make(path: str = "/ok", *, task: dict[str, Any] | None = None, **settings: Any) -> Any:
        sent = Sent()
        settings.setdefault("base_url", receiver.url)
        lease: Lease = lease_tasks(task_rows(1, path, **(task or {})), time.monotonic(), 30)
        sent.transport.submit(endpoint(settings.pop("base_url"), **settings), lease.tasks.values())
        sent.pump(5, lambda: sent.results)
        assert sent.results, "no result within 5 s"
        json.dumps(sent.results[1])
        return sent.results[1]

    return make


@pytest.fixture
def artery_run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start a runner: artery_run(dsn, *options, **environment)."""
    started: list[Running] = []

    def start(dsn: str, *options: str, **environment: str) -> Running:
        running = Running(dsn, tmp_path / f"runner{len(started)}.log", *options, **environment)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture
def outbox(conn: psycopg.Connection, receiver: Receiver) -> Outbox:
    return Outbox(conn, receiver.url)
