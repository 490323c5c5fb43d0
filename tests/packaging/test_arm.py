"""A copy of a database sends nothing until it is armed, whichever way it was copied."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from pg_artery.cluster import Cluster


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
    cluster: Cluster, template: str, way: Callable[[Cluster, str, str], None]
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


def test_data_restored_over_the_original_is_a_copy_too(cluster: Cluster, template: str) -> None:
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
