"""A synchronous standby takes over: nothing is lost, and nobody sends from the old primary."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from runner_harness import Outbox, until

from pg_artery.cli import main
from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate
from pg_artery.servers import Server

pytestmark = pytest.mark.one_server

# fsync off is enough where no machine loses power; the wait for the standby is what is tested
SETTINGS = {"synchronous_commit": "on", "wal_keep_size": "256MB"}
BACK_WITHIN_S = 30


class Standby(Cluster):
    """A copy of a running cluster that follows it."""

    def __init__(self, primary: Cluster) -> None:
        super().__init__(primary.server, durable=False, settings=SETTINGS)
        self._primary = primary

    def _initdb(self) -> None:
        data = self.path / "data"
        at = self._primary.dsn()
        self.run("pg_basebackup", "-D", str(data), "-d", at, "--checkpoint=fast", "--no-sync")
        # not by -R: a newer pg_basebackup writes options that an older server does not know
        settings = self._configuration() | {"primary_conninfo": at}
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        (data / "standby.signal").touch()

    def promote(self) -> None:
        self._pg_ctl("promote")


@pytest.fixture
def pair(server: Server) -> Iterator[tuple[Cluster, Standby]]:
    # unlike the other tests' clusters it follows, fails over and dies
    with Cluster(server, durable=False, settings=SETTINGS) as primary:
        migrate(primary.create_database("erp"))
        with Standby(primary) as standby:
            primary.execute("alter system set synchronous_standby_names = '*'")
            primary.execute("select pg_reload_conf()")
            followed = "select from pg_stat_replication where sync_state = 'sync'"
            with psycopg.connect(primary.dsn(), autocommit=True) as conn:
                until(lambda: conn.execute(followed).fetchall())
            with psycopg.connect(primary.dsn("erp"), autocommit=True) as conn:
                # whoever lets it go on by itself sees to the fence: here the synchronous standby
                conn.execute("select artery.arm('fenced', p_follow_promotion => true)")
            yield primary, standby


def both(*clusters: Cluster) -> str:
    """Give a connection string that names all hosts."""
    parts = [conninfo_to_dict(cluster.dsn("erp")) for cluster in clusters]
    hosts, ports = (",".join(str(part[name]) for part in parts) for name in ("host", "port"))
    return make_conninfo(dbname="erp", user="postgres", host=hosts, port=ports)


class Producer:
    """An ERP that enqueues, and knows what was committed."""

    def __init__(self, dsn: str) -> None:
        self.committed: list[int] = []
        self._dsn = make_conninfo(dsn, target_session_attrs="read-write", connect_timeout=2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _produce(self) -> None:
        while not self._stop.is_set():
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(self._dsn, autocommit=True) as conn,
            ):
                while not self._stop.wait(0.02):
                    row = conn.execute("select artery.enqueue_task('to', '{}')").fetchone()
                    assert row
                    self.committed.append(row[0])


def test_failover_loses_nothing_and_the_old_primary_sends_nothing(
    pair: tuple[Cluster, Standby], receiver, artery_run
) -> None:
    primary, standby = pair
    dsn = both(primary, standby)
    with psycopg.connect(primary.dsn("erp"), autocommit=True) as conn:
        Outbox(conn, receiver.url)
        conn.execute("call artery.tick()")
        runner = artery_run(dsn, "--lease", "3").wait_started()
        producer = Producer(dsn)
        until(lambda: len(receiver.ids()) > 50)
        # due after the promotion: whoever sends them then has been told so by a commit
        late = [
            conn.execute(
                "select artery.enqueue_task('to', '{}', p_due_at => now() + interval '2 s')"
            ).fetchone()[0]
            for _ in range(20)
        ]
        uuids = conn.execute(
            "select request_id::text from artery.integration_task where id = any(%s)", (late,)
        ).fetchall()
        late_ids = {uuid for (uuid,) in uuids}
        asked = CliRunner().invoke(main, ["doctor", "--json", "--dsn", standby.dsn("erp")])
        [server] = [c for c in json.loads(asked.stdout)["checks"] if c["subject"] == "server"]
        assert (server["state"], server["found"]) == ("critical", "a standby: it only reads")
        standby.promote()
        time.sleep(4)
    # the old primary is up, its clock has passed their time, and a runner is connected to it
    assert not late_ids & set(receiver.ids()), "sent from behind the fence"
    until_then = len(producer.committed)
    started = time.monotonic()
    primary.crash()
    until(lambda: late_ids <= set(receiver.ids()), BACK_WITHIN_S)
    print(f"deliveries went on {time.monotonic() - started:.1f} s after the old primary's end")
    until(lambda: len(producer.committed) > until_then + 20)
    producer.stop()
    with psycopg.connect(standby.dsn("erp"), autocommit=True) as conn:
        open_ones = "select from artery.integration_task where status <> 'sent'"
        until(lambda: not conn.execute(open_ones).fetchall())
        found = conn.execute("select id, status from artery.integration_task").fetchall()
        assert set(producer.committed) <= {task for task, _ in found}, "lost"
        assert set(late) <= {task for task, _ in found}
        assert conn.execute("select * from artery_monitor.verify()").fetchall() == []
    assert all(receiver.ids()[uuid] == 1 for uuid in late_ids), "once each"
    assert runner.process.poll() is None
