"""Tryton in its own code: its orders reach the MES, reports are posted by its own worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tryton_site import Site

from pg_artery.cluster import Cluster
from pg_artery.demo.record import read_record
from pg_artery.servers import Server

pytestmark = [pytest.mark.one_server, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(server: Server, request: pytest.FixtureRequest) -> Iterator[Site]:
    if not request.config.getoption("--long"):
        pytest.skip("Tryton takes a minute: make tryton")
    folder = Path(tempfile.mkdtemp(prefix="artery-tryton-"))
    with Cluster(server, durable=False) as cluster:
        plant = Site(cluster, folder)
        try:
            plant.follow_the_page()
            yield plant
        finally:
            plant.close()
            shutil.rmtree(folder)


@pytest.fixture
def conn(site: Site) -> Iterator[psycopg.Connection]:
    with psycopg.connect(site.cluster.dsn("tryton"), autocommit=True) as connection:
        yield connection


def until(conn: psycopg.Connection, query: str, wanted: list[Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (found := conn.execute(query).fetchall()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def start_worker(site: Site) -> subprocess.Popen[bytes]:
    command = ["tryton/bin/trytond-worker", "-c", "trytond.conf", "-d", "tryton", "-n", "1"]
    return subprocess.Popen(command, cwd=site.folder, env=site.env, start_new_session=True)


def stop(worker: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    os.killpg(worker.pid, sign)  # it has processes of its own, and does not end them
    worker.wait()


def test_the_page_ends_with_one_order_told_and_posted_once(
    site: Site, conn: psycopg.Connection
) -> None:
    taken = [
        (r.mo_no, r.version, r.quantity) for r in read_record(site.folder / "mes.jsonl") if r.effect
    ]
    assert taken == [("1", 1, "10"), ("2", 1, "3")]
    moves = (
        "select p.code, sum(m.quantity) from stock_move as m "
        "join product_product as p on p.id = m.product where m.state = 'done'"
    )
    made = conn.execute(f"{moves} and m.production_output is not null group by 1")
    assert made.fetchall() == [("PUMP", 10)]
    used = conn.execute(f"{moves} and m.production_input is not null group by 1")
    assert used.fetchall() == [("BOLT", 80 + 24)]
    by = conn.execute(
        "select distinct u.login from production as p join res_user as u on u.id = p.write_uid"
    )
    assert by.fetchall() == [("mes",)]
    grants = conn.execute(
        "select distinct g.table_name from information_schema.role_table_grants as g "
        "where g.grantee = 'artery_owner' and g.table_schema = 'public'"
    )
    assert grants.fetchall() == []


def test_a_worker_killed_in_the_middle_of_a_task_posts_it_once_all_the_same(
    site: Site, conn: psycopg.Connection
) -> None:
    (mo_no,) = (
        line.split()[1].rstrip(":") for line in site.sh("tryton/bin/python order.py 5").splitlines()
    )
    site.stop("worker")
    state = f"select p.state from production as p where p.number = '{mo_no}'"
    tasks = (
        "select q.dequeued_at is not null, q.finished_at is not null from ir_queue as q "
        "join erp_link.asked as a on a.task = q.id "
        "where a.report like '% R-4 1' and a.method = 'run'"
    )
    with psycopg.connect(site.cluster.dsn("tryton")) as holder:
        holder.execute("select from production as p where p.number = %s for update", (mo_no,))
        conn.execute(
            "insert into artery_staging.mes_production_report (message_id, body) "
            "values ('R-4', jsonb_build_object('mo_no', %s::text, 'good', '5'))",
            (mo_no,),
        )
        until(conn, tasks, [(False, False)])
        doomed = start_worker(site)
        until(conn, tasks, [(True, False)])
        blocked = "select count(*) from pg_stat_activity as a where a.wait_event_type = 'Lock'"
        until(conn, blocked, [(1,)])
        stop(doomed, signal.SIGKILL)
    until(conn, blocked, [(0,)])
    assert conn.execute(state).fetchall() == [("assigned",)]

    worker = start_worker(site)
    try:
        time.sleep(5)
        assert conn.execute(state).fetchall() == [("assigned",)], "Tryton has forgotten its task"
        waiting = "select r.mo_no, r.state from artery_monitor.reports_at_erp as r"
        assert conn.execute(waiting).fetchall() == [(mo_no, "at the ERP")]
        conn.execute("update erp_link.asked set at = at - interval '1 minute'")  # it goes by
        until(
            conn,
            "select r.status, r.result #>> '{erp,state}' from artery_staging.mes_production_report "
            "as r where r.message_id = 'R-4'",
            [("processed", "done")],
        )
    finally:
        stop(worker, signal.SIGTERM)
    assert conn.execute(tasks).fetchall() == [(True, True)]
    moves = (
        "select m.quantity, m.state from stock_move as m join production as p "
        "on p.id = coalesce(m.production_input, m.production_output) "
        f"where p.number = '{mo_no}' order by 1"
    )
    assert conn.execute(moves).fetchall() == [(5, "done"), (40, "done")]
    assert conn.execute("select from erp_link.asked where report like '% R-4 1'").rowcount == 2


def test_an_order_taken_back_in_tryton_is_cancelled_at_the_mes(
    site: Site, conn: psycopg.Connection
) -> None:
    site.sh("tryton/bin/python order.py 7")
    ((order, mo_no),) = conn.execute(
        "select p.id, p.number from production as p where p.quantity = 7"
    )
    conn.execute(
        "insert into ir_queue (name, enqueued_at, data) select 'default', localtimestamp, "
        "q.data || jsonb_build_object('method', 'wait', 'instances', jsonb_build_array(%s::int)) "
        "from ir_queue as q where q.data ->> 'method' = 'run' limit 1",
        (order,),
    )
    worker = start_worker(site)
    try:
        until(
            conn,
            "select s.status, s.action, s.mes_status from artery_mes.mo_dispatch_status as s "
            f"where s.mo_no = '{mo_no}'",
            [("cancelled", "cancel", "acknowledged")],
        )
    finally:
        stop(worker, signal.SIGTERM)
