"""An upgrade while runners work: old runners go on, or stop and say why; nothing is lost."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from runner_harness import Outbox

import previous_release
from pg_artery import __version__
from pg_artery.migrate import migrate

pytestmark = pytest.mark.one_server


def test_code_is_loaded_under_a_runner_that_goes_on(
    outbox: Outbox, artery_run, dsn: str, conn
) -> None:
    conn.execute("call artery.tick()")
    runner = artery_run(dsn).wait_started()
    outbox.enqueue(100)
    # as after an upgrade: the code in the database is another version's
    conn.execute("update artery_install.code set checksum = 'of an older version'")
    assert migrate(dsn).code == "loaded"
    outbox.enqueue(100)
    outbox.wait({"sent": 200})
    assert runner.process.poll() is None
    assert conn.execute("select * from artery_monitor.verify()").fetchall() == []


def test_a_runner_whose_call_has_changed_its_form_stops_and_loses_nothing(
    outbox: Outbox, artery_run, dsn: str, conn, receiver
) -> None:
    conn.execute("call artery.tick()")
    runner = artery_run(dsn, "--lease", "1").wait_started()
    outbox.enqueue(20)
    outbox.wait({"sent": 20})
    # what a migration does that changes what the function gives: drop, and make it anew
    conn.execute(
        "alter function artery.claim_tasks(bigint, integer, interval, integer[]) "
        "rename to claim_tasks_v2"
    )
    outbox.enqueue(20)
    assert runner.wait() == 4
    assert "artery migrate" in runner.log.read_text()
    conn.execute(
        "alter function artery.claim_tasks_v2(bigint, integer, interval, integer[]) "
        "rename to claim_tasks"
    )
    artery_run(dsn, "--until-empty").wait()
    outbox.wait({"sent": 40})
    time.sleep(0.1)
    assert set(receiver.ids().values()) == {1}, "once each"


@pytest.fixture
def old_dsn(cluster, once) -> Iterator[str]:
    with cluster.database("upgraded_live", previous_release.bare(cluster, once)) as fresh:
        yield fresh


def test_the_previous_releases_runner_delivers_beside_the_new_one(
    outbox: Outbox, artery_run, dsn: str, conn, receiver
) -> None:
    conn.execute("call artery.tick()")
    old = artery_run(dsn, **previous_release.environment()).wait_started()
    outbox.enqueue(200)
    outbox.wait({"sent": 200})
    new = artery_run(dsn).wait_started()
    started = [
        next(line for line in running.lines() if line["event"] == "started")["version"]
        for running in (old, new)
    ]
    assert started == [previous_release.previous()[0].version, __version__]
    outbox.enqueue(2000)
    outbox.wait({"sent": 2200})
    delivered = (
        "select r.version from artery.cloud_log c join artery.runner r on r.id = c.runner_id"
    )
    both = {version for (version,) in conn.execute(delivered)}
    assert both == set(started), "each has delivered"
    outbox.enqueue(500)
    assert old.end(signal.SIGTERM) == 0, "it drains"
    outbox.wait({"sent": 2700})
    assert set(receiver.ids().values()) == {1}, "once each"
    assert conn.execute("select * from artery_monitor.verify()").fetchall() == []


def test_migrating_under_the_previous_releases_runner_loses_nothing(
    artery_run, old_dsn: str, receiver
) -> None:
    with psycopg.connect(old_dsn, autocommit=True) as conn:
        outbox = Outbox(conn, receiver.url)
        conn.execute("call artery.tick()")
        old = artery_run(old_dsn, **previous_release.environment()).wait_started()
        done = threading.Event()
        counts: list[int] = []

        def business() -> None:
            with psycopg.connect(old_dsn, autocommit=True) as erp:
                while not done.is_set():
                    erp.execute(
                        "select artery.enqueue_task('to', jsonb_build_object('n', n)) "
                        "from generate_series(1, 10) as n"
                    )
                    counts.append(10)
                    time.sleep(0.02)

        thread = threading.Thread(target=business)
        thread.start()
        try:
            outbox.value("select pg_sleep(0.5)")
            result = migrate(old_dsn)
            assert result.code == "loaded"
            behind = sum(counts)
            artery_run(old_dsn).wait_started()
        finally:
            done.set()
            thread.join()
        assert sum(counts) > behind, "the business went on"
        outbox.wait({"sent": sum(counts)})
        assert old.process.poll() in (None, 4), "goes on, or has drained and said why"
        assert set(receiver.ids().values()) == {1}, "once each"
        assert conn.execute("select * from artery_monitor.verify()").fetchall() == []
