"""A copy of a database sends nothing until it is armed, whichever way it was copied."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import run

import psycopg
import pytest
from runner_harness import until

import previous_release
from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate
from pg_artery.servers import Server

MIGRATION = Path(__file__).parents[2] / "migrations/0080_arming.sql"


def fill(conn: psycopg.Connection) -> None:
    """Have an endpoint, a route and three tasks that wait."""
    conn.execute("select artery.add_endpoint('to', 'http://127.0.0.1:9/v1', '{}')")
    conn.execute("select artery.add_route('to', 'to', '/x')")
    for _ in range(3):
        conn.execute("select artery.enqueue_task('to', '{}')")


def claimed(dsn: str) -> int:
    """Claim as a runner would; gives how many it got."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        [(runner,)] = conn.execute("select artery.register_runner('r', 'h', 1, '0')").fetchall()
        return len(conn.execute("select from artery.claim_tasks(%s)", (runner,)).fetchall())


def fault(dsn: str) -> str | None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        [(armed, found)] = conn.execute(
            "select armed, fault from artery.arming_status()"
        ).fetchall()
    assert armed is (found is None)
    return found


def await_promotion(cluster: Cluster) -> None:
    """A server is up as soon as it can be read, a moment before its recovery ends."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as conn:
        until(lambda: conn.execute("select pg_is_in_recovery()").fetchone() == (False,))


class Files(Cluster):
    """A server on a copy of another one's files, by pg_basebackup.

    :param recovery: lines for postgresql.conf to recover by; none = it starts as after a crash
    """

    def __init__(self, original: Cluster, recovery: dict[str, str]) -> None:
        super().__init__(original.server, durable=False, cron_database=None, settings=recovery)
        self._original, self._recovery = original, recovery

    def _initdb(self) -> None:
        data = self.path / "data"
        at = self._original.dsn()
        self.run("pg_basebackup", "-D", str(data), "-d", at, "--checkpoint=fast", "--no-sync")
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(
                f"{name} = '{value}'\n" for name, value in self._configuration().items()
            )
        if self._recovery:
            (data / "recovery.signal").touch()


def reload(cluster: Cluster, into: str, *options: str) -> None:
    """Put the dump of `original` into a database."""
    at = ["-h", str(cluster.path), "-p", str(cluster.port), "-U", "postgres"]
    cluster.run("pg_restore", *at, "--exit-on-error", *options, "-d", into, "dump")


def dumped(cluster: Cluster, name: str) -> None:
    at = ["-h", str(cluster.path), "-p", str(cluster.port), "-U", "postgres"]
    cluster.run("pg_dump", *at, "-Fc", "-f", "dump", name)


def cloned(cluster: Cluster, original: str, copy: str) -> None:
    cluster.execute(f"create database {copy} template {original}")  # type: ignore[arg-type]


def restored(cluster: Cluster, original: str, copy: str) -> None:
    dumped(cluster, original)
    cluster.execute(f"create database {copy}")  # type: ignore[arg-type]
    reload(cluster, copy)


def added_to_a_row_that_is_armed(cluster: Cluster, original: str, copy: str) -> None:
    """As after create extension, and as data alone into a migrated database."""
    dumped(cluster, original)
    cluster.create_database(copy, original)
    reload(cluster, copy, "--data-only", "-n", "artery", "-t", "arming")


@pytest.mark.parametrize("way", [cloned, restored, added_to_a_row_that_is_armed])
def test_a_copy_sends_nothing_until_it_is_armed(
    own_dump: None, cluster: Cluster, template: str, way: Callable[[Cluster, str, str], None]
) -> None:
    with cluster.database("arm_original", template) as original:
        with psycopg.connect(original, autocommit=True) as conn:
            fill(conn)
        try:
            way(cluster, "arm_original", "arm_copy")
            copy = cluster.dsn("arm_copy")
            assert fault(copy) == ("cloned" if way is cloned else "restored")
            with pytest.raises(psycopg.Error) as refused:
                claimed(copy)
            assert refused.value.sqlstate == "IN060"
            assert refused.value.diag.message_hint
            with psycopg.connect(copy, autocommit=True) as conn:
                conn.execute("vacuum (freeze) artery.arming")
                conn.execute("select artery.enqueue_task('to', '{}')")
                conn.execute("call artery.tick()")
                conn.execute("select artery.arm('for good')")
                conn.execute("vacuum (full, freeze) artery.arming")
            assert fault(copy) is None
            assert claimed(copy) == 4
            assert (fault(original), claimed(original)) == (None, 3)
        finally:
            cluster.drop_database("arm_copy")


@pytest.mark.one_server
def test_a_server_on_a_copy_of_the_files_sends_nothing(server: Server) -> None:
    """Also where promoted standbys may go on by themselves: a recovery to a moment is none."""
    recovery = {
        "restore_command": "false",
        "recovery_target": "immediate",
        "recovery_target_action": "promote",
    }
    with Cluster(server, durable=False, cron_database=None) as original:
        migrate(original.create_database("strict"))
        original.create_database("follows", "strict")
        for name, follows in (("strict", "false"), ("follows", "true")):
            with psycopg.connect(original.dsn(name), autocommit=True) as conn:
                conn.execute(f"select artery.arm('x', p_follow_promotion => {follows})".encode())
        with Files(original, {}) as copy:
            assert [fault(copy.dsn(name)) for name in ("strict", "follows")] == ["port", "port"]
        with Files(original, recovery) as copy:
            await_promotion(copy)
            assert fault(copy.dsn("strict")) == "timeline"
            assert fault(copy.dsn("follows")) == "recovered"
            with pytest.raises(psycopg.Error) as refused:
                claimed(copy.dsn("follows"))
            assert refused.value.sqlstate == "IN060"
        assert [fault(original.dsn(name)) for name in ("strict", "follows")] == [None, None]


def test_data_restored_over_the_original_is_a_copy_too(
    own_dump: None, cluster: Cluster, template: str
) -> None:
    with cluster.database("arm_original", template) as original:
        dumped(cluster, "arm_original")
        with psycopg.connect(original, autocommit=True) as conn:
            conn.execute("truncate artery.arming")
        assert fault(original) == "never"
        reload(cluster, "arm_original", "--data-only", "-n", "artery", "-t", "arming")
        assert fault(original) == "restored"


def test_what_waits_in_a_copy_is_cancelled_and_in_the_original_never(
    conn: psycopg.Connection, dsn: str
) -> None:
    fill(conn)
    with pytest.raises(psycopg.Error) as refused:
        conn.execute("select artery.arm('test', p_cancel_waiting => true)")
    assert refused.value.sqlstate == "IN062"
    conn.execute("select artery.disarm('as a copy is')")
    [(told,)] = conn.execute("select artery.arm('test', false, true)").fetchall()
    assert (told["cancelled"], told["was"]) == (3, "disarmed")
    assert claimed(dsn) == 0
    events = conn.execute("select action, reason from artery.arming_event order by happened_at")
    assert events.fetchall()[-2:] == [("disarm", "as a copy is"), ("arm", "test")]


def test_only_an_administrator_arms(conn: psycopg.Connection) -> None:
    for statement in ("select artery.arm('x')", "select artery.disarm('x')"):
        conn.execute("set role artery_operator")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)  # type: ignore[call-overload]
        conn.execute("set role artery_admin")
        conn.execute(statement)  # type: ignore[call-overload]
    with pytest.raises(psycopg.Error) as refused:
        conn.execute("select artery.arm(' ')")
    assert refused.value.sqlstate == "IN061"


@pytest.fixture
def old(cluster: Cluster, once: Callable[..., str]) -> Iterator[str]:
    """A copy of a database of the release before this one; nothing has run in the copy."""
    template = previous_release.template(cluster, once)
    with cluster.database("arm_old", template) as dsn:
        yield dsn


def test_a_database_in_service_goes_on_sending_after_the_upgrade(old: str) -> None:
    """Its own runner, of its own release, was here."""
    command = [sys.executable, "-m", "pg_artery", "run", "--dsn", old, "--until-empty"]
    with psycopg.connect(old, autocommit=True) as conn:
        conn.execute(
            "update artery.integration_task set status = 'cancelled' "
            "where status in ('pending', 'failed')"
        )
        run(command, env=previous_release.environment(), check=True, timeout=60)
        conn.execute("select artery.enqueue_task('tax.invoice', '{}')")
    assert migrate(old).notices == []
    assert fault(old) is None
    assert claimed(old) == 1


def test_a_copy_on_which_the_upgrade_is_tried_sends_nothing(old: str) -> None:
    """Its data speak of a runner minutes ago, which was before the copy was made."""
    with psycopg.connect(old, autocommit=True) as conn:
        # files are dated to the second: data and copy may be of the same one
        conn.execute("update artery.runner set seen_at = seen_at - interval '2 minutes'")
    [warning] = migrate(old).notices
    assert "sends nothing" in warning
    assert fault(old) == "disarmed"
    with pytest.raises(psycopg.Error) as refused:
        claimed(old)
    assert refused.value.sqlstate == "IN060"


@pytest.mark.parametrize(
    ("made", "seen", "long", "armed"),
    [
        pytest.param("1 day", "59 minutes", "1 hour", True, id="a pause within the hour"),
        pytest.param("1 day", "61 minutes", "1 hour", False, id="longer, the server started since"),
        pytest.param("1 day", "0", "-1 hour", True, id="longer, the server was up all the time"),
        pytest.param("0", "59 minutes", "1 hour", False, id="restored or cloned since"),
        pytest.param("1 day", None, "1 hour", False, id="it sent once, nobody knows when"),
    ],
)
def test_what_an_upgrade_takes_for_a_database_in_service(
    cluster: Cluster, old: str, made: str, seen: str | None, long: str, armed: bool
) -> None:
    text = MIGRATION.read_text()
    assert text.count("interval '1 hour'") == 1
    with psycopg.connect(old) as conn:
        [(oid, at)] = conn.execute(
            "select d.oid, extract(epoch from now() - %s::interval)::float8 "
            "from pg_database as d where d.datname = current_database()",
            (made,),
        ).fetchall()
        os.utime(cluster.path / f"data/base/{oid}/PG_VERSION", (at, at))
        conn.execute("delete from artery.runner where %s::text is null", (seen,))
        conn.execute("update artery.runner set seen_at = clock_timestamp() - %s::interval", (seen,))
        conn.execute(text.replace("interval '1 hour'", f"interval '{long}'").encode())
        assert conn.execute("select armed from artery.arming").fetchall() == [(armed,)]
        conn.rollback()
