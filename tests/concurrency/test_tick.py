"""`call artery.tick()` commits between steps: not to be tested inside a pgTAP transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

Connect = Callable[..., psycopg.Connection]

pytestmark = pytest.mark.one_server

STEPS = """
create schema w;
grant usage on schema w to public;
create table w.done (step text, at timestamptz default clock_timestamp());
create table w.parent (id int primary key);
create table w.child (id int references w.parent (id) deferrable initially deferred);
grant all on all tables in schema w to public;
create function w.fine(timestamptz) returns bigint language sql
    as $$ insert into w.done values ('fine'); select 7::bigint $$;
create function w.raises(timestamptz) returns bigint language plpgsql
    as $$ begin insert into w.done values ('raises'); raise exception 'no'; end $$;
create function w.asserts(timestamptz) returns bigint language plpgsql
    as $$ begin assert false, 'never'; return 1; end $$;
create function w.cancels(timestamptz) returns bigint language plpgsql
    as $$ begin raise query_canceled; end $$;
create function w.defers(timestamptz) returns bigint language plpgsql
    as $$ begin insert into w.child values (1); return 1; end $$;
create function w.slow(timestamptz) returns bigint language plpgsql
    as $$ begin insert into w.done values ('slow'); perform pg_sleep(1.5); return 1; end $$;
create function w.busy(timestamptz) returns bigint language plpgsql
    as $$ begin perform pg_sleep_until($1); return 3; end $$;
create function w.more(timestamptz) returns bigint language plpgsql
    as $$ begin
        insert into w.done values (pg_current_xact_id()::text);
        if (select count(*) = 3 from w.done) then raise exception 'tired'; end if;
        update artery.sweep_step set next_run_at = '-infinity' where name = 'more';
        return 1;
    end $$;
delete from artery.sweep_step;
"""


@pytest.fixture
def steps(conn: psycopg.Connection) -> Callable[..., None]:
    conn.execute(STEPS)

    def register(*names: str, every: str = "1 hour", limit: str = "10 seconds") -> None:
        for position, name in enumerate(names):
            conn.execute(
                "insert into artery.sweep_step (name, function, every, time_limit, position)"
                " values (%s, %s, %s, %s, %s)",
                (name, f"w.{name}", every, limit, position),
            )

    return register


def outcomes(conn: psycopg.Connection) -> dict[str, tuple[str | None, str | None, int]]:
    rows = conn.execute("select name, outcome, error ->> 'sqlstate', runs from artery.sweep_step")
    return {name: (outcome, state, runs) for name, outcome, state, runs in rows}


def done(conn: psycopg.Connection) -> list[str]:
    return [row[0] for row in conn.execute("select step from w.done order by at")]


def test_a_step_with_more_to_do_comes_again_at_once_in_a_transaction_of_its_own(
    conn: psycopg.Connection, steps: Callable[..., None]
) -> None:
    steps("more")
    conn.execute("call artery.tick()")
    assert len(set(done(conn))) == 2, "the third time it failed"
    assert outcomes(conn) == {"more": ("failed", "P0001", 3)}
    waits = conn.execute(
        "select next_run_at > now() + interval '50 minutes' from artery.sweep_step"
    )
    assert waits.fetchone() == (True,), "what fails waits for its time"


def test_a_failing_step_takes_no_other_down(
    conn: psycopg.Connection, steps: Callable[..., None]
) -> None:
    steps("raises", "asserts", "cancels", "defers", "fine")
    conn.execute("call artery.tick()")
    assert outcomes(conn) == {
        "raises": ("failed", "P0001", 1),
        "asserts": ("failed", "P0004", 1),
        "cancels": ("failed", "57014", 1),
        "defers": ("failed", "23503", 1),
        "fine": ("done", None, 1),
    }
    assert done(conn) == ["fine"], "what a failed step did is undone"


def test_a_step_runs_at_its_interval_and_only_while_enabled(
    conn: psycopg.Connection, steps: Callable[..., None]
) -> None:
    steps("fine")
    conn.execute("call artery.tick()")
    conn.execute("call artery.tick()")
    assert done(conn) == ["fine"]
    conn.execute("update artery.sweep_step set next_run_at = now()")
    conn.execute("update artery.sweep_step set enabled = false")
    conn.execute("call artery.tick()")
    assert done(conn) == ["fine"]
    conn.execute("update artery.sweep_step set enabled = true")
    conn.execute("call artery.tick()")
    assert done(conn) == ["fine", "fine"]
    work = conn.execute("select work, ended_at >= started_at from artery.sweep_step").fetchone()
    assert work == (7, True)


def test_a_step_at_its_time_limit_is_partial(
    conn: psycopg.Connection, steps: Callable[..., None]
) -> None:
    steps("busy", limit="100 ms")
    conn.execute("call artery.tick()")
    assert outcomes(conn) == {"busy": ("partial", None, 1)}


def test_two_at_once_run_a_step_once_and_wait_for_nobody(
    conn: psycopg.Connection, connect: Connect, steps: Callable[..., None]
) -> None:
    steps("slow", "fine", every="1 ms")
    other = connect()
    thread = threading.Thread(target=other.execute, args=("call artery.tick()",))
    thread.start()
    while not conn.execute(
        "select started_at from artery.sweep_step where name = 'slow'"
    ).fetchone()[0]:  # type: ignore[index]
        time.sleep(0.01)
    time.sleep(0.1)
    began = time.monotonic()
    conn.execute("call artery.tick()")
    assert time.monotonic() - began < 1, "a tick waits for no other's step"
    assert done(conn) == ["fine"], "the other steps go on, the slow one's work is not yet committed"
    thread.join()
    assert done(conn).count("slow") == 1
    assert outcomes(conn)["slow"] == ("done", None, 1)


def test_a_started_step_is_marked_before_it_ends(
    conn: psycopg.Connection, connect: Connect, steps: Callable[..., None]
) -> None:
    """A step that kills its session comes again at its interval, not at once."""
    steps("slow")
    victim = connect()

    def tick() -> None:
        with pytest.raises(psycopg.OperationalError):
            victim.execute("call artery.tick()")

    thread = threading.Thread(target=tick)
    thread.start()
    time.sleep(0.5)
    conn.execute("select pg_terminate_backend(%s)", (victim.info.backend_pid,))
    thread.join()
    conn.execute("call artery.tick()")
    assert done(conn) == []


def test_in_a_transaction_it_is_refused(connect: Connect, steps: Callable[..., None]) -> None:
    steps("fine")
    inside = connect(autocommit=False)
    inside.execute("select 1")
    with pytest.raises(psycopg.errors.InvalidTransactionTermination):
        inside.execute("call artery.tick()")


@pytest.mark.parametrize("role", ["artery_runner", "artery_admin"])
def test_a_member_of_the_role_can_call_it(
    conn: psycopg.Connection, connect: Connect, steps: Callable[..., None], role: str
) -> None:
    steps("fine")
    login = sql.Identifier(f"tick_{role}")
    conn.execute(sql.SQL("create role {} login").format(login))
    conn.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), login))
    try:
        connect(user=f"tick_{role}").execute("call artery.tick()")
        assert outcomes(conn) == {"fine": ("done", None, 1)}
    finally:
        conn.execute(sql.SQL("drop role {}").format(login))


def test_the_engines_own_steps_all_succeed(conn: psycopg.Connection) -> None:
    conn.execute("update artery.sweep_step set next_run_at = '-infinity'")  # the nightly ones too
    conn.execute("call artery.tick()")
    failed = conn.execute(
        "select name, error from artery.sweep_step where outcome is distinct from 'done'"
    ).fetchall()
    assert failed == []
