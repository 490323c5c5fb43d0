"""Behind pgbouncer in transaction mode a runner delivers as it does without."""

from __future__ import annotations

import signal

import pytest

from pooler import pgbouncer

pytestmark = pytest.mark.one_server


@pytest.fixture
def pooled(cluster, dsn, tmp_path):
    """The test's database through a pgbouncer of our own with four server connections."""
    with pgbouncer(cluster, dsn, tmp_path) as url:
        yield url


@pytest.mark.parametrize("direct", [True, False])
def test_delivers_through_pgbouncer(pooled, dsn, outbox, receiver, artery_run, direct):
    options = ["--listen-dsn", dsn] if direct else ["--no-listen"]
    outbox.enqueue(2000)
    running = artery_run(pooled, *options).wait_started()
    outbox.wait({"sent": 2000})
    outbox.enqueue(10)
    outbox.wait({"sent": 2010}, 5)
    assert set(receiver.ids().values()) == {1}
    assert running.end(signal.SIGTERM) == 0
    assert not [line for line in running.lines() if line["level"] in ("error", "warning")]
