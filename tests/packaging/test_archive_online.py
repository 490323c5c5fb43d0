"""Retention beside work: nobody waits for a detach or a drop, and what is cut short is ended."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import psycopg
import pytest
from test_archive import artery

from pg_artery.cluster import Cluster

pytestmark = pytest.mark.one_server

OLD = "select artery._ensure_partition('artery.cloud_log', now() - %s * interval '1 day')"
ATTACHED = """
    select c.relname::text, i.inhdetachpending from pg_inherits as i
    inner join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'artery.cloud_log'::regclass
        and to_date(right(c.relname, 8), 'YYYYMMDD') < now() - interval '30 days'
"""


@pytest.fixture
def old_log(conn: psycopg.Connection) -> None:
    """A log with two partitions past their age."""
    conn.execute("select artery.create_partitions('infinity')")
    conn.execute("update artery.partitioning set keep = null")
    conn.execute(
        "update artery.partitioning set keep = '30 days' where parent = 'artery.cloud_log'"
    )
    conn.execute("set role artery_owner")
    for days in (40, 41):
        conn.execute(OLD, (days,))
    conn.execute("reset role")
    conn.execute(
        "insert into artery.cloud_log (called_at, task_id, attempt, span_id, runner_id, topic,"
        " endpoint_id, request_id, method, url, request_bytes, request_hash, outcome)"
        " select now() - interval '40 days', n, 1, '', 1, 't', 1, gen_random_uuid(), 'POST', '/',"
        " 0, '', 'sent' from generate_series(1, 100) as n"
    )


class Deliveries(threading.Thread):
    """Claims and reports, a task at a time, each timed."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self._conn = psycopg.connect(dsn, autocommit=True)
        self._conn.execute(
            "select artery.add_endpoint('e', 'http://127.0.0.1:9/v1');"
            " select artery.add_route('t', 'e', '/x')"
        )
        [(self._runner,)] = self._conn.execute(
            "select artery.register_runner('r', 'h', 1, '0')"
        ).fetchall()
        self._ended = threading.Event()
        self.seconds: list[float] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                began = time.monotonic()
                self._one()
                self.seconds.append(time.monotonic() - began)
        except BaseException as error:  # the test shows it
            self.error = error

    def _one(self) -> None:
        self._conn.execute("select artery.enqueue_task('t', '{}')")
        claimed = self._conn.execute(
            "select id, attempt from artery.claim_tasks(%s, 10)", (self._runner,)
        ).fetchall()
        results = [
            {
                "id": task,
                "attempt": attempt,
                "span_id": "0" * 16,
                "status_code": 200,
                "url": "/",
                "ago_ms": 1,
            }
            for task, attempt in claimed
        ]
        (answer,) = self._conn.execute(
            "select artery.report_results(%s, %s)", (self._runner, json.dumps(results))
        ).fetchone() or ({},)
        assert answer["applied"] == len(claimed) == 1

    def end(self) -> float:
        """Stop; gives the longest that one took."""
        self._ended.set()
        self.join(30)
        self._conn.close()
        assert self.error is None, self.error
        assert len(self.seconds) > 2
        return max(self.seconds)


def test_deliveries_go_on_beside_a_detach_that_a_long_reader_holds_up(
    dsn: str, conn: psycopg.Connection, connect, old_log: None, tmp_path: Path
) -> None:
    reader = connect(autocommit=False)
    reader.execute("select count(*) from artery.cloud_log")
    beside = Deliveries(dsn)
    beside.start()
    run = ("run", "--to", str(tmp_path), "--format", "csv")
    (failed,) = artery(*run, "--lock-timeout", "2", dsn=dsn, code=1)["partitions"]
    assert "IN076" in failed["error"] or "could not be detached" in failed["error"]
    # cut short: new statements see it no more, new partitions are made all the same
    pending = [name for name, detaching in conn.execute(ATTACHED).fetchall() if detaching]
    assert len(pending) == 1
    conn.execute("update artery.partitioning set days_ahead = days_ahead + 1")
    assert conn.execute("select artery.create_partitions('infinity')").fetchone() != (0,)
    # the sweep leaves alone what is being detached, and cannot have the other: the reader is there
    conn.execute("select artery.drop_partitions('infinity')")
    assert beside.end() < 1.5, "somebody waited for the reader"
    states = {row["partition"]: row["state"] for row in artery("list", dsn=dsn)["partitions"]}
    assert sorted(states.values()) == ["detaching", "waiting"]
    reader.rollback()
    done = artery(*run, dsn=dsn)["partitions"]
    assert [row["state"] for row in done] == ["dropped", "dropped"]
    assert sum(row["row_count"] for row in done) == 100
    assert conn.execute(ATTACHED).fetchall() == []


def test_the_sweep_s_drop_holds_up_nobody_and_tries_again(
    dsn: str, conn: psycopg.Connection, connect, old_log: None
) -> None:
    reader = connect(autocommit=False)
    reader.execute("select count(*) from artery.cloud_log")
    beside = Deliveries(dsn)
    beside.start()
    conn.execute("update artery.sweep_step set next_run_at = now() + interval '1 hour'")
    for _ in range(5):
        assert conn.execute("select artery.drop_partitions('infinity')").fetchone() == (0,)
        time.sleep(0.15)
    assert beside.end() < 1.5
    row = conn.execute(
        "select p.problem, s.next_run_at <= now() + interval '1 minute'"
        " from artery.partitioning as p, artery.sweep_step as s"
        " where p.problem is not null and s.name = 'drop_partitions'"
    ).fetchone()
    assert row is not None
    assert row[0].startswith("55P03")
    assert row[1], "again in a minute"
    reader.rollback()
    assert conn.execute("select artery.drop_partitions('infinity')").fetchone() == (2,)
    (left,) = conn.execute(
        "select count(*) from artery.partitioning where problem is not null"
    ).fetchone() or (1,)
    assert left == 0


def test_beside_a_default_partition_it_is_detached_all_the_same(
    dsn: str, conn: psycopg.Connection, old_log: None, tmp_path: Path
) -> None:
    conn.execute("set role artery_owner")
    conn.execute("create table artery.cloud_log_rest partition of artery.cloud_log default")
    conn.execute("reset role")
    done = artery("run", "--to", str(tmp_path), "--format", "csv", dsn=dsn)["partitions"]
    assert [row["state"] for row in done] == ["dropped", "dropped"]


def test_one_table_s_trouble_is_not_another_s(
    dsn: str, conn: psycopg.Connection, old_log: None, tmp_path: Path
) -> None:
    """A foreign key to a partition's rows, and a view of a partition, keep it: said, not fatal."""
    conn.execute("set role artery_owner")
    conn.execute("create table artery.aa (at timestamptz primary key) partition by range (at)")
    conn.execute("insert into artery.partitioning (parent, keep) values ('artery.aa', '30 days')")
    conn.execute("select artery._ensure_partition('artery.aa', now() - interval '40 days')")
    conn.execute("insert into artery.aa values (now() - interval '40 days')")
    conn.execute("create table artery.refers (at timestamptz references artery.aa)")
    conn.execute("insert into artery.refers select at from artery.aa")
    conn.execute("reset role")
    assert conn.execute("select artery.drop_partitions('infinity')").fetchone() == (2,), "the log's"
    (problem,) = conn.execute(
        "select problem from artery.partitioning where parent = 'artery.aa'"
    ).fetchone() or ("",)
    assert problem
    (failed,) = artery("run", "--to", str(tmp_path), "--format", "csv", dsn=dsn, code=1)[
        "partitions"
    ]
    assert failed["state"] == "failed"
    assert conn.execute("select count(*) from artery.aa").fetchone() == (1,)
    conn.execute("drop table artery.refers")
    (done,) = artery("run", "--to", str(tmp_path), "--format", "csv", dsn=dsn)["partitions"]
    assert done["state"] == "dropped"


def test_a_gap_in_the_days_ahead_is_seen(conn: psycopg.Connection, cluster: Cluster) -> None:
    conn.execute("select artery.create_partitions('infinity')")
    left = (
        "select days_left from artery_monitor.partition_horizon where parent = 'artery.cloud_log'"
    )
    assert conn.execute(left).fetchone() == (7,)
    (name,) = conn.execute(
        "select to_char(now() at time zone 'UTC' + interval '2 days', 'YYYYMMDD')"
    ).fetchone() or ("",)
    conn.execute(f"drop table artery.cloud_log_{name}".encode())
    assert conn.execute(left).fetchone() == (1,)
    subject = "select severity from artery_monitor.attention() where subject = 'artery.cloud_log'"
    assert conn.execute(subject).fetchall() == [("critical",)]
