"""The throwaway cluster: isolated, recoverable, and gone when its owner is."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from pg_artery import cluster_dir
from pg_artery.cluster import Cluster
from pg_artery.servers import ClusterError, Server, pick_server

# a shell's background job, and all that it starts, ignores SIGINT
OWNER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pg_artery.cluster import Cluster
from pg_artery.servers import pick_server
with Cluster(pick_server(sys.argv[1]), durable=False) as c:
    print(c.path, c.postmaster_pid, c._dir._guard.pid, flush=True)
    time.sleep(60)
"""


class Owned:
    """A process that owns a cluster."""

    def __init__(self, server: Server, program: str = OWNER) -> None:
        command = [sys.executable, "-c", program, server.kind]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert self.process.stdout is not None
        path, postmaster, guard = self.process.stdout.readline().split()
        self.path, self.postmaster, self.guard = Path(path.decode()), int(postmaster), int(guard)

    def left(self) -> list[str]:
        lock = self.path.with_name(f"{self.path.name}.lock")
        return [str(p) for p in (self.path, lock) if p.exists()] + [
            f"process {pid}" for pid in (self.postmaster, self.guard) if _alive(pid)
        ]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until_nothing(owned: Owned) -> None:
    deadline = time.monotonic() + 15
    while owned.left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert owned.left() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("whole_group", [False, True], ids=["owner", "group"])
def test_nothing_is_left_when_the_owner_ends(
    server: Server, how: signal.Signals, whole_group: bool
) -> None:
    owned = Owned(server)
    (os.killpg if whole_group else os.kill)(owned.process.pid, how)
    owned.process.wait(15)
    _wait_until_nothing(owned)


@pytest.mark.one_server
def test_the_next_cluster_sweeps_what_a_killed_owner_and_guard_left(
    server: Server, monkeypatch: pytest.MonkeyPatch, short_directory: Path
) -> None:
    # where no cluster of another test is made meanwhile, which would sweep too
    monkeypatch.setenv("TMPDIR", str(short_directory))
    monkeypatch.setattr(tempfile, "tempdir", None)
    owned = Owned(server)
    os.kill(owned.guard, signal.SIGKILL)
    os.kill(owned.process.pid, signal.SIGKILL)
    owned.process.wait(15)
    deadline = time.monotonic() + 15
    while _alive(owned.guard) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert owned.left() == [
        str(owned.path),
        f"{owned.path}.lock",
        f"process {owned.postmaster}",
    ]
    with Cluster(server, durable=False):
        _wait_until_nothing(owned)


@pytest.mark.one_server
def test_a_sweep_leaves_running_clusters_alone(own_cluster: Cluster) -> None:
    cluster_dir.sweep(cluster_dir.parent_dir())
    own_cluster.execute("select 1")


@pytest.mark.one_server
def test_a_kept_cluster_outlives_its_owner_until_it_is_removed(server: Server) -> None:
    keep = OWNER.replace("time.sleep(60)", "print(c.detach())")
    owned = Owned(server, keep)
    assert owned.process.wait(15) == 0
    cluster_dir.sweep(cluster_dir.parent_dir())
    assert _alive(owned.postmaster)
    assert not _alive(owned.guard)
    command = [sys.executable, cluster_dir.__file__, "remove", str(owned.path)]
    subprocess.run(command, check=True)
    assert owned.left() == []
    assert subprocess.run(command).returncode == 1


@pytest.mark.one_server
def test_a_cluster_in_use_cannot_be_removed(own_cluster: Cluster) -> None:
    assert not cluster_dir.remove(own_cluster.path)
    own_cluster.execute("select 1")


@pytest.mark.one_server
def test_a_sweep_kills_nobody_who_got_the_pid_of_a_dead_server(tmp_path: Path) -> None:
    (tmp_path / "c-x" / "data").mkdir(parents=True)
    bystander = subprocess.Popen(["sleep", "30"])
    (tmp_path / "c-x" / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n")
    try:
        cluster_dir.destroy(tmp_path / "c-x")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_committed_work_survives_a_crash_and_uncommitted_work_does_not(
    own_cluster: Cluster,
) -> None:
    own_cluster.execute("create table kept (a int)")
    own_cluster.execute("insert into kept values (1)")
    open_transaction = psycopg.connect(own_cluster.dsn())
    open_transaction.execute("insert into kept values (2)")
    own_cluster.crash()
    own_cluster.start()
    with psycopg.connect(own_cluster.dsn()) as connection:
        assert connection.execute("select a from kept").fetchall() == [(1,)]
        assert connection.execute("show fsync").fetchone() == ("on",)
    open_transaction.close()


def test_only_this_user_and_this_machine_reach_it(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(tcp=True)) as connection:
        row = connection.execute("select current_setting('listen_addresses')").fetchone()
        assert row == ("127.0.0.1",)
    without_password = cluster.dsn(tcp=True).replace(cluster.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(without_password)
    assert stat.S_IMODE(cluster.path.stat().st_mode) == 0o700
    socket = cluster.path / f".s.PGSQL.{cluster.port}.lock"
    assert len(str(socket)) <= 107


def test_a_database_can_be_cloned_and_dropped_with_sessions_in_it(cluster: Cluster) -> None:
    dsn = cluster.create_database("original")
    cluster.execute("create table marker ()", "original")
    with cluster.database("a clone", "original") as clone:
        connection = psycopg.connect(clone)
        connection.execute("table marker")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")
    cluster.drop_database("original")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(dsn)


def test_a_failed_start_says_the_servers_own_words_and_leaves_nothing(server: Server) -> None:
    broken = Cluster(server, settings={"shared_buffers": "no number"})
    with pytest.raises(ClusterError, match=r'invalid value for parameter "shared_buffers"'):
        broken.create()
    with pytest.raises(ClusterError, match="not been created"):
        _ = broken.path


def test_pg_cron_runs_jobs_where_it_is_installed(server: Server) -> None:
    if not server.has_library("pg_cron"):
        pytest.skip(f"{server.label} has no pg_cron (Debian: postgresql-15-cron)")
    with Cluster(server, durable=False, cron_database="jobs") as running:
        running.create_database("jobs")
        # The launcher found no such database when the server came up, and gave up.
        running.restart()
        running.execute("create extension pg_cron", "jobs")
        running.execute("create table ran (at timestamptz)", "jobs")
        with psycopg.connect(running.dsn("jobs"), autocommit=True) as connection:
            connection.execute(
                "select cron.schedule('probe', '* * * * *', 'insert into ran values (now())')"
            )
            deadline = time.monotonic() + 75
            while time.monotonic() < deadline:
                if connection.execute("select count(*) from ran").fetchone() != (0,):
                    break
                time.sleep(0.25)
            status = connection.execute("select status from cron.job_run_details").fetchall()
    assert status[:1] == [("succeeded",)]


@pytest.mark.parametrize("kind", ["nonsense"])
def test_no_server_says_what_to_install(kind: str) -> None:
    with pytest.raises(ClusterError, match="install postgresql-15"):
        pick_server(kind)
