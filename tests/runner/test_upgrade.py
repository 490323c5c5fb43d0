"""An upgrade while runners work: old runners go on, or stop and say why; nothing is lost."""

from __future__ import annotations

import time

import pytest
from runner_harness import Outbox

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
