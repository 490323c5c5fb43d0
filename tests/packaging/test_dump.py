"""A dump taken under traffic comes back whole, in every form and both modes, and sends nothing.

Short, one form in each mode on one server; `--long` does all of them on every server.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from catalog_snapshot import snapshot
from documents import Reader, read_blocks
from every_table import Filler, contents, positions, sequences_behind, tables
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from runner_harness import Running, until

from pg_artery.cluster import Cluster
from pg_artery.servers import ClusterError, Server
from receiver import Receiver

ROOT = Path(__file__).parents[2]
MASTER_DATA = ROOT / "runner/pg_artery/demo/master_data.sql"
BACKUP = ROOT / "docs/backup.md"
FORMS = ("plain", "custom", "directory", "parallel")
SHORT = (("migrated", "plain"), ("extension", "parallel"))


def fill(dsn: str) -> None:
    """Put something into every table, and bind the outbox to one of the site's own."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("call artery.tick()")
        conn.execute(MASTER_DATA.read_bytes())
        conn.execute("select artery.add_endpoint('theirs', 'http://127.0.0.1:9/v1', '{}')")
        conn.execute("select artery.add_route('theirs', 'theirs', '/x')")
        conn.execute("select artery.enqueue_task('theirs', '{}')")
        Filler(conn).fill(3)
        conn.execute("select artery.add_endpoint('ours', 'http://127.0.0.1:9/v1', '{}')")
        conn.execute("select artery.add_route('ours', 'ours', '/ok')")
        conn.execute("create table public.orders (id integer primary key, note text)")
        conn.execute("select artery.bind_outbox('public.orders', 'ours')")
        empty = [name for name, (rows, _) in contents(conn).items() if not rows]
        assert [name for name in empty if not re.search(r"_\d{8}$", name)] == []


class Traffic(threading.Thread):
    """Orders that come in all the time: each is a document and its task."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self._dsn = dsn
        self.end = threading.Event()
        self.count = 0

    def run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as conn:
            while not self.end.wait(0.01):
                conn.execute("insert into public.orders values (%s, 'é')", (self.count,))
                self.count += 1


def send_to(conn: psycopg.Connection, receiver: Receiver) -> None:
    conn.execute(
        "select artery.set_endpoint('ours', %s::jsonb)", (json.dumps({"base_url": receiver.url}),)
    )


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    both = Receiver(), Receiver()
    yield both
    for receiver in both:
        receiver.close()


@pytest.fixture(params=["migrated", "extension"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def full(
    mode: str, form: str, server: Server, own_dump: None, request: pytest.FixtureRequest, once
) -> tuple[Cluster, str]:
    """A cluster and a database in it, to clone, with rows in every table."""
    short = (mode, form) in SHORT and server.kind == "system"
    if not (short or request.config.getoption("--long")):
        pytest.skip("the other forms of a dump are restored in the long form: --long")
    ours = mode == "extension"
    cluster = request.getfixturevalue("extension_cluster" if ours else "cluster")
    template = request.getfixturevalue("extension_template" if ours else "template")
    return cluster, once(cluster, f"full_{mode}", fill, template)


def dump(cluster: Cluster, dsn: str, form: str, seen: str) -> str:
    """Dump what a snapshot sees; gives the name of the file or folder."""
    name = f"{form}_of_{seen}"  # both modes may have one server
    parallel = ("-j", "2") if form == "parallel" else ()
    kind = {"plain": "p", "custom": "c", "directory": "d", "parallel": "d"}[form]
    cluster.run("pg_dump", "-d", dsn, "-F", kind, *parallel, "--snapshot", seen, "-f", name)
    return name


def restore(cluster: Cluster, dsn: str, form: str, name: str, mode: str) -> None:
    """Restore into an empty database; nothing may fail but what docs/backup.md names."""
    stop = ("-X", "-q", "-v", "ON_ERROR_STOP=1")
    if mode == "migrated":
        if form == "plain":
            cluster.run("psql", *stop, "-d", dsn, "-f", name)
        else:
            parallel = ("-j", "2") if form == "parallel" else ()
            cluster.run("pg_restore", "--exit-on-error", *parallel, "-d", dsn, name)
        return
    program = ("psql", *stop, "-f") if form == "plain" else ("pg_restore", "-e")
    with pytest.raises(ClusterError, match="triggers would fire"):
        cluster.run(*program, name, "-d", dsn)
    dsn = make_conninfo(dsn, options="-c session_replication_role=replica")
    if form == "plain":
        # there is no list to leave anything out by
        said = cluster.run("psql", "-X", "-q", "-d", dsn, "-f", name)
        errors = [line for line in said.splitlines() if "ERROR" in line]
        assert errors
        known = re.compile(r'relation "\w+_\d{8}_\w+_idx" already exists$')
        assert [line for line in errors if not known.search(line)] == []
        return
    entries = cluster.run("pg_restore", "-l", name).splitlines()
    attached = {tuple(e.split()[5:7]) for e in entries if " INDEX ATTACH artery" in e}
    left = [e for e in entries if not (" INDEX " in e and tuple(e.split()[4:6]) in attached)]
    assert len(attached) >= 40
    assert len(entries) - len(left) == len(attached)
    (cluster.path / "list").write_text("\n".join(left))
    (cluster.path / "list").chmod(0o644)
    parallel = ("-j", "2") if form == "parallel" else ()
    cluster.run("pg_restore", "--exit-on-error", "-L", "list", *parallel, "-d", dsn, name)


@pytest.mark.parametrize("form", FORMS)
def test_a_dump_under_traffic_comes_back_whole_and_sends_nothing_until_it_is_armed(
    full: tuple[Cluster, str],
    mode: str,
    form: str,
    receivers: tuple[Receiver, Receiver],
    tmp_path: Path,
) -> None:
    cluster, template = full
    runners: list[Running] = []
    with cluster.database("dumped", template) as original:
        traffic = Traffic(original)
        try:
            with psycopg.connect(original, autocommit=True) as conn:
                send_to(conn, receivers[0])
            runners.append(Running(original, tmp_path / "original.log").wait_started())
            traffic.start()
            until(lambda: len(receivers[0].requests) > 20, 30)
            with psycopg.connect(original) as conn:
                conn.execute("set transaction isolation level repeatable read")
                [(seen,)] = conn.execute("select pg_export_snapshot()").fetchall()
                before, numbers = contents(conn), positions(conn)
                count = traffic.count
                name = dump(cluster, original, form, seen)
                assert traffic.count > count, "orders came in while it was dumped"
            copy = cluster.create_database("restored")
            restore(cluster, copy, form, name, mode)
            with psycopg.connect(copy, autocommit=True) as conn:
                after = contents(conn)
                assert after.keys() == before.keys()
                assert {n for n in before if before[n] != after[n]} == set()
                again = positions(conn)
                assert [s for s, at in numbers.items() if again[s] < at] == []
            assert snapshot(copy) == snapshot(original)
            runners.append(Running(copy, tmp_path / "copy.log"))
            _sends_once_armed(copy, receivers, runners[-1])
            traffic.end.set()
            traffic.join()
            with psycopg.connect(original, autocommit=True) as conn:
                sent = (
                    "select count(*) from artery.integration_task "
                    "where topic = 'ours' and status = 'sent'"
                )
                until(lambda: conn.execute(sent).fetchone() == (traffic.count,), 30)
            assert set(receivers[0].ids().values()) == {1}
            assert len(receivers[0].ids()) == traffic.count
        finally:
            traffic.end.set()
            for runner in runners:
                if runner.process.poll() is None:
                    runner.end(signal.SIGTERM)
            cluster.drop_database("restored")


def _sends_once_armed(copy: str, receivers: tuple[Receiver, Receiver], runner: Running) -> None:
    """What the copy's runner does before and after `artery arm`, as the receivers see it."""
    original, other = receivers
    waiting = (
        "select count(*) from artery.integration_task "
        "where topic = 'ours' and status in ('pending', 'processing', 'failed')"
    )
    with psycopg.connect(copy, autocommit=True) as conn:
        send_to(conn, other)
        [(documents, tasks)] = conn.execute(
            "select (select count(*) from public.orders), "
            "(select count(*) from artery.integration_task where topic = 'ours')"
        ).fetchall()
        assert documents == tasks, "each order has its task, none has two"
        for number in (-1, -2, -3):
            conn.execute("insert into public.orders values (%s, 'in the copy')", (number,))
        again = conn.execute(
            "select count(*) from artery.integration_task where topic = 'ours'"
        ).fetchone()
        assert again == (tasks + 3,), "triggers fire, and once"
        assert sequences_behind(conn) == []
        until(lambda: "nothing is sent: artery arm" in runner.log.read_text(), 30)
        count = len(original.requests)
        until(lambda: len(original.requests) > count + 20, 30)  # the original goes on
        assert other.requests == []
        [(due,)] = conn.execute(waiting).fetchall()
        assert due >= 3
        arm = ("arm", "--yes", "--reason", "the original is stopped", "--dsn", copy)
        subprocess.run(
            (sys.executable, "-m", "pg_artery", *arm), check=True, stdout=subprocess.DEVNULL
        )
        # leases that ran in the original are waited for, as after any crash: not for long here
        conn.execute(
            "update artery.integration_task set locked_until = now() where status = 'processing'"
        )
        conn.execute("select artery.expire_leases('infinity')")
        until(lambda: conn.execute(waiting).fetchone() == (0,), 60)
    assert len(other.ids()) == due
    assert set(other.ids().values()) == {1}


@pytest.mark.one_server
def test_what_the_page_says_to_type_restores_an_extension(
    own_dump: None, extension_cluster: Cluster, once, extension_template: str, tmp_path: Path
) -> None:
    cluster = extension_cluster
    template = once(cluster, "full_extension", fill, extension_template)
    with cluster.database("erp", template) as original:
        at = conninfo_to_dict(original)
        path = f"{cluster.server.program('pg_dump').parent}:{Path(sys.executable).parent}"
        env = {**os.environ, "PGHOST": str(at["host"]), "PGPORT": str(at["port"])}
        env |= {"PATH": f"{path}:{os.environ['PATH']}", "PGUSER": "postgres"}
        env["ARTERY_DSN"] = original
        reader = Reader(tmp_path, env, "erp")
        blocks = [b for b in read_blocks(BACKUP.read_text()) if b.kind == "sh"]
        assert len(blocks) >= 2
        try:
            for block in blocks:
                reader.follow(block)
            copy = cluster.dsn("erp_copy")
            with psycopg.connect(original) as there, psycopg.connect(copy) as here:
                differing = {
                    name for name, what in contents(there).items() if contents(here)[name] != what
                }
                assert differing <= {"artery.arming", "artery.arming_event"}
                assert [n for _, n in tables(here, "r")] == [n for _, n in tables(there, "r")]
            assert snapshot(copy) == snapshot(original)
        finally:
            cluster.drop_database("erp_copy")
