"""What does not end PostgreSQL or all runners, and must not end the delivery either."""

from __future__ import annotations

import signal
import time

import psycopg
import pytest
from chaos_judge import judge
from chaos_stage import TOPICS, Fault, Stage

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate


@pytest.mark.one_server
def test_runners_sweep_where_pg_cron_s_scheduler_was_killed(
    own_cluster: Cluster, seed: int, tmp_path, hold
) -> None:
    """Its version 1.4 is never started again by PostgreSQL."""
    if not own_cluster.has_cron:
        pytest.skip("pg_cron is missing (Debian: postgresql-15-cron)")
    migrate(own_cluster.dsn())
    with psycopg.connect(own_cluster.dsn(), autocommit=True) as conn:
        conn.execute("create extension pg_cron")
        conn.execute("select artery.schedule_sweeps()")
        killed = conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where application_name = 'pg_cron scheduler'"
        )
        assert killed.fetchall() == [(True,)]
    with Stage(own_cluster.dsn(tcp=True), seed, tmp_path, lease=2.0).running() as stage:
        victim = stage.runner("victim", failpoint="after_claim")
        assert victim.process.wait(20) == -signal.SIGKILL
        now = time.time()
        stage.faults.append(Fault(now, now, "killed: after_claim", victim.pid))
        # a victim with its claims, and nobody to sweep until this one starts
        sweeper = stage.runner("sweeper")
        time.sleep(2)
        stage.finish(patience=20)
        assert sweeper.stop() == 0
        verdict = judge(stage)
    hold(stage, verdict)
    assert verdict.figures["leases lost"] > 0


def claim_costs(dsn: str, claims: int = 12) -> list[int]:
    """Blocks that each claim of a session touches: counted, so the same on a busy machine."""
    costs = []
    with psycopg.connect(dsn, autocommit=True) as conn:
        [(number,)] = conn.execute("select artery.register_runner('c', 'h', 1, '0')").fetchall()
        for _ in range(claims):
            conn.execute("select artery.enqueue_task(%s, '{}')", (TOPICS[0],))
            [(plan,)] = conn.execute(
                "explain (analyze, buffers, format json) select * from artery.claim_tasks(%s, 1)",
                (number,),
            ).fetchall()
            assert plan[0]["Plan"]["Actual Rows"] == 1
            done = plan[0]["Plan"]
            costs.append(done["Shared Hit Blocks"] + done["Shared Read Blocks"])
    return costs


@pytest.mark.one_server
def test_an_old_snapshot_does_not_stop_the_delivery(make_stage, hold, tell) -> None:
    """A report, a dump or an idle slot: vacuum can remove nothing meanwhile."""
    with make_stage(rate=150.0).running() as stage, psycopg.connect(stage.dsn) as report:
        report.execute("set transaction isolation level repeatable read")
        report.execute("select count(*) from artery.integration_task")
        runner = stage.runner("one")
        for _ in range(60):
            time.sleep(1)
            if len(stage.receipts) > 500:
                break
        stage.finish(patience=30)
        assert runner.stop() == 0
        verdict = judge(stage)
        with psycopg.connect(stage.dsn, autocommit=True) as conn:
            conn.execute("vacuum artery.integration_task")
            [(sent,)] = conn.execute(
                "select count(*) from artery.integration_task where status = 'sent'"
            ).fetchall()
        costs = claim_costs(stage.dsn)
    hold(stage, verdict)
    tell(f"blocks to claim a task, after {sent} were sent: {costs}")
    assert sent > 300
    # the first walks over what vacuum could not remove; the next know where to begin
    assert min(costs) < max(costs[0] / 2, 100)
