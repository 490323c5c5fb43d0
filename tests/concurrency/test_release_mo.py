"""Sessions that work on the same manufacturing order at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

Connect = Callable[..., psycopg.Connection]

MASTER_DATA = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('EA', 'piece', 'count', true);
insert into artery_erp.item (code, name, status, source, stock_unit)
values ('TOP', 'top', 'released', 'make', 'EA'), ('PART', 'part', 'released', 'buy', 'EA');
with b as (
    insert into artery_erp.bom (item_code, revision, status, unit)
    values ('TOP', 'A', 'released', 'EA') returning id
)
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
select id, 10, 'PART', 2, 'EA' from b;
insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit)
select 'MO-' || n, 'TOP', 5, 'EA' from generate_series(1, 20) as n;
select artery_mes.setup_mes('http://mes.example/api/v1');
"""


@pytest.fixture
def orders(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(MASTER_DATA)
    return conn


def waits_for_lock(conn: psycopg.Connection, pid: int) -> bool:
    row = conn.execute("select cardinality(pg_blocking_pids(%s)) > 0", (pid,)).fetchone()
    return bool(row and row[0])


def dispatches(conn: psycopg.Connection, mo_no: str) -> list[tuple[object, ...]]:
    return conn.execute(
        """
        select d.version, d.action, t.topic, count(*) over ()
        from artery_mes.mo_dispatch as d
        join artery.integration_task as t on t.document_id = d.mo_no
        where d.mo_no = %s
        """,
        (mo_no,),
    ).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "select artery_erp.release_manufacturing_order('MO-1')",
        'select artery_api_v1.release_mo(\'{"mo_no": "MO-1"}\')',
        "update artery_erp.manufacturing_order set status = 'released' where mo_no = 'MO-1'",
    ],
    ids=["function", "api", "update"],
)
@pytest.mark.parametrize("first_commits", [True, False], ids=["commit", "rollback"])
def test_two_sessions_release_one_order(
    orders: psycopg.Connection, connect: Connect, statement: str, first_commits: bool
) -> None:
    first, second = connect(autocommit=False), connect()
    first.execute(statement.encode())
    failed: list[Exception] = []

    def release() -> None:
        try:
            second.execute(statement.encode())
        except psycopg.Error as error:
            failed.append(error)

    rival = threading.Thread(target=release)
    rival.start()
    deadline = time.monotonic() + 10
    while not waits_for_lock(orders, second.info.backend_pid):
        assert time.monotonic() < deadline, "the second session never waited for the first"
        time.sleep(0.01)
    if first_commits:
        first.commit()
    else:
        first.rollback()
    rival.join(10)
    assert not rival.is_alive()
    assert not failed
    assert dispatches(orders, "MO-1") == [(1, "create", "mes.mo.create", 1)]


def notifications(listener: psycopg.Connection) -> Iterator[tuple[str, str]]:
    for message in listener.notifies(timeout=1, stop_after=1):
        yield message.channel, message.payload


def test_listeners_hear_the_number_at_commit_and_not_before(
    orders: psycopg.Connection, connect: Connect
) -> None:
    listener, writer = connect(), connect(autocommit=False)
    listener.execute("listen mes_sync_channel")
    writer.execute("select artery_erp.release_manufacturing_order('MO-1')")
    assert list(notifications(listener)) == []
    writer.commit()
    assert list(notifications(listener)) == [("mes_sync_channel", "MO-1")]


def test_a_release_rolled_back_leaves_nothing(orders: psycopg.Connection, connect: Connect) -> None:
    writer = connect(autocommit=False)
    writer.execute("select artery_erp.release_manufacturing_order('MO-1')")
    writer.rollback()
    assert dispatches(orders, "MO-1") == []
    assert orders.execute(
        "select count(*) from artery_erp.manufacturing_order_line"
    ).fetchone() == (0,)


def test_changes_from_many_sessions_keep_their_versions_in_order(
    orders: psycopg.Connection, connect: Connect
) -> None:
    orders.execute("update artery_erp.manufacturing_order set status = 'released'")
    failed: list[Exception] = []

    def change(worker: int, connection: psycopg.Connection) -> None:
        try:
            for step in range(20):
                connection.execute(
                    "update artery_erp.manufacturing_order set quantity = %s where mo_no = %s",
                    (100 * worker + step + 6, f"MO-{(worker + step) % 5 + 1}"),
                )
        except psycopg.Error as error:
            failed.append(error)

    workers = [threading.Thread(target=change, args=(n, connect())) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failed
    wrong = orders.execute(
        """
        select mo.mo_no from artery_erp.manufacturing_order as mo
        cross join lateral (
            select
                array_agg(d.version order by d.task_id) as by_task,
                array_agg(d.version order by d.version) as by_version,
                count(*) as dispatches,
                (array_agg(t.body::jsonb ->> 'quantity' order by d.version desc))[1] as last
            from artery_mes.mo_dispatch as d
            join artery.integration_task as t on t.id = d.task_id
            where d.mo_no = mo.mo_no
        ) as s
        where
            s.by_task <> s.by_version
            or s.dispatches <> mo.version
            or s.last::numeric <> mo.quantity
        """
    ).fetchall()
    assert wrong == []
    total = orders.execute("select sum(version) from artery_erp.manufacturing_order").fetchone()
    assert total == (20 + 120,)
