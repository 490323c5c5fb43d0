"""An inbox with two lanes: each in order, both at once."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from inbox_world import TABLE

Connect = Callable[..., psycopg.Connection]

DUE = "select artery_staging.process_due('infinity', 'w.laned')"
SETTLED = "select array_agg((body ->> 'n')::integer order by turn, id) from w.laned where turn > 0"
WORLD = """
set role artery_owner;
alter table w.laned add column turn bigint;
create sequence w.turn;
create function w.lane(p_body jsonb) returns integer language sql immutable
as $$ select (p_body ->> 'lane')::integer $$;
create function w.settle(p_ids bigint[]) returns void language sql as $$
    update w.laned set status = 'processed', turn = (select nextval('w.turn')) where id = any(p_ids)
$$;
grant usage on schema w to artery_admin;
reset role;
insert into artery_staging.inbox (table_name, processor, batch_size, lane)
values ('w.laned', 'w.settle(bigint[])', 2, 'w.lane(jsonb)');
"""


@pytest.fixture
def laned(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute("create schema w authorization artery_owner")
    conn.execute(TABLE.format(schema="w", name="laned", body="jsonb").encode())
    conn.execute(WORLD.encode())
    return conn


def send(conn: psycopg.Connection, *lanes: int | None) -> None:
    """Messages 1, 2, 3 … in these lanes."""
    for number, lane in enumerate(lanes, 1):
        conn.execute(
            "insert into w.laned (source, message_id, body)"
            " values ('s', %s, jsonb_build_object('n', %s::integer, 'lane', %s::integer))",
            (f"m{number}", number, lane),
        )


def settled(conn: psycopg.Connection) -> list[int]:
    row = conn.execute(SETTLED).fetchone()
    assert row
    return row[0] or []


def test_two_sweeps_do_a_lane_each_at_once(laned: psycopg.Connection, connect: Connect) -> None:
    send(laned, 0, 1, 0, 1, 0, None)
    with connect() as first, connect() as second:
        for conn, numbers in (first, [1, 3]), (second, [2, 4]):
            conn.autocommit = False
            assert conn.execute(DUE).fetchone() == (2,)
            assert settled(conn) == numbers
        assert laned.execute(DUE).fetchone() == (0,), "a third leaves it to the two"
        first.commit()
        # the lane that is free now, though the oldest message that is seen lies in the other
        assert laned.execute(DUE).fetchone() == (2,)
        second.commit()
    assert settled(laned)[-2:] == [5, 6], "without an answer a message is in lane 0"


def test_a_lone_sweep_serves_both_lanes_the_oldest_first(laned: psycopg.Connection) -> None:
    send(laned, 1, 1, 1, 0, 1, 0, -1)
    for _ in range(4):
        laned.execute(DUE)
    assert settled(laned) == [1, 2, 3, 5, 4, 6, 7]
    assert laned.execute(DUE).fetchone() == (0,)


def test_a_message_that_is_held_does_not_hold_the_other_lane(
    laned: psycopg.Connection, connect: Connect
) -> None:
    send(laned, 0, 1)
    with connect() as editor:
        editor.autocommit = False
        editor.execute("select from w.laned where body ->> 'n' = '1' for update")
        assert laned.execute(DUE).fetchone() == (1,)
        assert settled(laned) == [2]
        editor.rollback()
    assert laned.execute(DUE).fetchone() == (1,)
    assert settled(laned) == [2, 1]


def test_tick_empties_both_lanes(laned: psycopg.Connection) -> None:
    send(laned, 0, 1, 1, 1, 0, 0, 0)
    laned.execute("call artery.tick()")
    assert settled(laned) == [1, 5, 2, 3, 4, 6, 7]
    steps = "select name, argument, outcome from artery.sweep_step where argument = 'w.laned'"
    found = laned.execute(steps + " order by name").fetchall()
    assert [name for name, _, _ in found] == ["inbox2_laned", "inbox_laned"]
    status = "select waiting, outcome from artery_monitor.inbox_status where table_name = 'w.laned'"
    assert laned.execute(status).fetchall() == [(0, "done")]


def test_a_lane_that_is_no_function_is_refused(laned: psycopg.Connection) -> None:
    laned.execute("set role artery_admin")
    with pytest.raises(psycopg.Error) as refused:
        laned.execute("update artery_staging.inbox set lane = 'w.nolane(jsonb)'")
    assert refused.value.sqlstate == "IN009"
    assert "lane of inbox" in str(refused.value)
    laned.execute("update artery_staging.inbox set lane = null where table_name = 'w.laned'")
    laned.execute("reset role")
    send(laned, 0, 1, 0, 1)
    laned.execute(DUE)
    assert settled(laned) == [1, 2], "all in order"
