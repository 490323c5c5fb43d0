"""Shipping notices from a second PostgreSQL: none missed, none twice, no peer that hangs us."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from pg_artery.cluster import Cluster
from pg_artery.servers import Server

pytestmark = pytest.mark.one_server

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/cloud-database.md").read_text()
BLOCKS = [block.partition("\n```")[0] for block in DOCUMENT.split("<!-- cloud -->\n```sql\n")[1:]]
PASSWORD = "canary-7Qx9-password"


def clone_of_the_document(conn: psycopg.Connection) -> None:
    """What the document has the cloud's DBA do; the role has a password."""
    conn.execute(BLOCKS[0])
    conn.execute(f"alter role artery_pull password '{PASSWORD}'")


@pytest.fixture(scope="module")
def far(server: Server) -> Iterator[Cluster]:
    with Cluster(server, durable=False, settings={"wal_level": "replica"}) as running:
        with psycopg.connect(running.create_database("supplier"), autocommit=True) as conn:
            clone_of_the_document(conn)
        yield running


@pytest.fixture
def cloud(far: Cluster) -> Iterator[Callable[[], psycopg.Connection]]:
    opened: list[psycopg.Connection] = []

    def connect() -> psycopg.Connection:
        opened.append(psycopg.connect(far.dsn("supplier"), autocommit=True))
        return opened[-1]

    connect().execute("truncate artery_cloud.asn_outbox")
    yield connect
    for connection in opened:
        connection.close()


def options(cluster: Cluster, port: int, **more: Any) -> Jsonb:
    """Of a server on this machine, with the password in a file that only the server reads."""
    passfile = cluster.path / "cloud.pgpass"
    passfile.write_text(f"127.0.0.1:*:supplier:artery_pull:{PASSWORD}\n")
    owner = cluster.path.stat()
    os.chown(passfile, owner.st_uid, owner.st_gid)
    passfile.chmod(0o600)
    given = {"host": "127.0.0.1", "port": port, "dbname": "supplier", "user": "artery_pull"}
    return Jsonb(given | {"passfile": str(passfile), "connect_timeout": 2} | more)


@pytest.fixture
def erp(conn: psycopg.Connection, cluster: Cluster, far: Cluster) -> psycopg.Connection:
    set_up(conn, cluster, far.port)
    return conn


def set_up(conn: psycopg.Connection, cluster: Cluster, port: int, **more: Any) -> dict[str, Any]:
    query = "select artery_procurement.setup_cloud('c', %s)"
    return conn.execute(query, (options(cluster, port, **more),)).fetchone()[0]


def write(conn: psycopg.Connection, *names: str) -> None:
    for name in names:
        conn.execute(
            "insert into artery_cloud.asn_outbox (supplier, message_id, body) values"
            " ('S1', %s, jsonb_build_object('asn_no', %s::text))",
            (name, name),
        )


def pull(conn: psycopg.Connection, limit: int | None = None) -> dict[str, Any]:
    return conn.execute("select artery_procurement.pull_asn('c', %s)", (limit,)).fetchone()[0]


def taken(conn: psycopg.Connection) -> list[str]:
    rows = conn.execute("select message_id from artery_staging.supplier_asn order by id").fetchall()
    return [name for (name,) in rows]


def test_late_committers_are_not_missed_and_nothing_is_read_twice(erp, cloud):
    slow, quick = cloud(), cloud()
    slow.execute("begin")
    write(slow, "late")
    write(quick, "b1", "b2")
    # older and still open: what was written after it began waits, and that is said
    got = pull(erp)
    assert (got["taken"], got["more"]) == (0, False)
    assert "older transaction" in got["notice"]
    status = "select held_since is not null, problem from artery_procurement.cloud_status"
    assert erp.execute(status).fetchone() == (True, got["notice"])
    with slow.transaction():
        write(slow, "late too")
    slow.execute("commit")
    assert pull(erp, 2)["more"]
    assert pull(erp)["taken"] == 2
    assert taken(erp) == ["late", "late too", "b1", "b2"]
    assert pull(erp) == {"server": "c", "taken": 0, "duplicates": 0, "refused": 0, "more": False}
    assert erp.execute(status).fetchone() == (False, None)

    # many writers that overlap in every way, pulls all the while
    def writer(n: int) -> None:
        with psycopg.connect(quick.info.dsn) as mine:
            for m in range(8):
                write(mine, f"{n}.{m}")
                time.sleep(0.002 * (n % 4))
                mine.rollback() if m % 5 == 4 else mine.commit()

    threads = [threading.Thread(target=writer, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    read = 0
    while any(thread.is_alive() for thread in threads):
        got = pull(erp, 3)
        read += got["taken"] + got["duplicates"]
    while (got := pull(erp))["taken"]:
        read += got["taken"]
    there = quick.execute("select message_id from artery_cloud.asn_outbox").fetchall()
    assert sorted(taken(erp)) == sorted(name for (name,) in there)
    assert read == len(there) - 4
    assert erp.execute("select duplicates from artery_procurement.cloud_server").fetchone() == (0,)


def test_killed_in_the_middle_it_took_all_of_a_batch_or_nothing(erp, cloud, connect):
    write(cloud(), *(f"m{n}" for n in range(40)))
    erp.execute(
        "create function public.slow() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.02); return new; end $$"
    )
    erp.execute(
        "create trigger slow before insert on artery_staging.supplier_asn"
        " for each row execute function public.slow()"
    )
    for seconds in (0.05, 0.3, 0.6):
        victim = connect()
        pid = victim.info.backend_pid
        timer = threading.Timer(
            seconds, lambda pid=pid: erp.execute("select pg_terminate_backend(%s)", (pid,))
        )
        timer.start()
        with pytest.raises(psycopg.OperationalError):
            pull(victim)
        timer.join()
        assert taken(erp) == []
    erp.execute("drop trigger slow on artery_staging.supplier_asn")
    # two at once: one of them works
    busy = connect(autocommit=False)
    pull(busy, 10)
    assert pull(erp) == {"server": "c", "busy": True, "more": False}
    busy.rollback()
    # the sweep step goes on until there is no more
    erp.execute("update artery_procurement.cloud_server set batch_size = 15")
    erp.execute("update artery.sweep_step set enabled = name = 'pull_asn_c', next_run_at = now()")
    erp.execute("call artery.tick()")
    assert taken(erp) == [f"m{n}" for n in range(40)]
    status = "select pulled, problem from artery_procurement.cloud_status"
    assert erp.execute(status).fetchone() == (40, None)


ORDER = """
insert into artery_erp.unit (code, name, dimension) values ('KG', 'kilogram', 'mass');
insert into artery_erp.item (code, name, status, source, stock_unit)
values ('RESIN', 'r', 'released', 'buy', 'KG');
insert into artery_erp.warehouse (code, name) values ('RAW', 'raw material');
insert into artery_erp.supplier (code, name) values ('S1', 'a supplier');
insert into artery_erp.purchase_order (supplier_code, po_no, warehouse_code)
values ('S1', 'PO-1', 'RAW');
insert into artery_erp.purchase_order_line
    (supplier_code, po_no, line_no, item_code, quantity, unit)
values ('S1', 'PO-1', 10, 'RESIN', 100, 'KG');
update artery_erp.purchase_order set status = 'approved'
"""
LINE = {"line_no": 1, "po_no": "PO-1", "po_line_no": 10, "item": "RESIN", "quantity": "5"}


def test_a_notice_from_the_cloud_is_one_like_any_other(erp, cloud):
    erp.execute(ORDER)
    notice = {"asn_no": "A-1", "message_id": "A-1", "shipped_at": "2030-01-01T00:00:00Z"}
    there = cloud()
    for number, source in ((1, "S1"), (2, "S2"), (3, "S1")):
        body = Jsonb(
            notice | {"asn_no": f"A-{number}", "message_id": f"A-{number}", "lines": [LINE]}
        )
        there.execute(
            "insert into artery_cloud.asn_outbox (supplier, message_id, body) values (%s, %s, %s)",
            (source, f"A-{number}", body),
        )
    # the first one has come by the other way already
    erp.execute(
        "insert into artery_staging.supplier_asn (source, message_id, body) values"
        " ('S1', 'A-1', %s)",
        (Jsonb(notice | {"lines": [LINE]}),),
    )
    got = pull(erp)
    assert (got["taken"], got["duplicates"]) == (2, 1)
    erp.execute("select artery_staging.process('artery_staging.supplier_asn')")
    rows = erp.execute(
        "select source, message_id, status from artery_staging.supplier_asn order by message_id"
    ).fetchall()
    assert rows == [
        ("S1", "A-1", "processed"), ("S2", "A-2", "rejected"), ("S1", "A-3", "processed"),
    ]  # fmt: skip
    assert erp.execute("select count(*) from artery_erp.asn_document").fetchone() == (2,)


def test_a_row_that_the_inbox_cannot_take_is_kept_and_passed_over(erp, cloud):
    there = cloud()
    write(there, "before", "")
    write(there, "after")
    got = pull(erp)
    assert (got["taken"], got["refused"], taken(erp)) == (2, 1, ["before", "after"])
    query = "select source, message_id, body, sqlstate from artery_procurement.cloud_refusal"
    assert erp.execute(query).fetchone() == ("S1", "", '{"asn_no": ""}', "23514")


def test_a_batch_of_many_costs_a_batch_and_not_all(erp, cloud, far):
    """Order is asked for over there, where the index is; rows come as they are needed."""
    there = cloud()
    there.execute(
        "insert into artery_cloud.asn_outbox (supplier, message_id, body) "
        "select 'S1', n::text, jsonb_build_object('n', n) from generate_series(1, 30000) as n"
    )
    write(there, "last")
    there.execute("vacuum analyze artery_cloud.asn_outbox")

    def read() -> int:
        there.execute("select pg_stat_force_next_flush()")
        time.sleep(0.05)
        query = (
            "select coalesce(sum(idx_tup_fetch), 0) + coalesce(sum(seq_tup_read), 0)"
            " from pg_stat_user_tables where relname = 'asn_outbox'"
        )
        return int(there.execute(query).fetchone()[0])

    for _ in range(3):
        before = read()
        assert pull(erp, 100)["taken"] == 100
        deadline = time.monotonic() + 3
        while (took := read() - before) < 100 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 100 <= took < 1500, took


def silent() -> tuple[socket.socket, int]:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


def test_a_silent_peer_costs_its_connect_timeout_and_no_more(conn, connect, cluster, server):
    listener, port = silent()
    set_up(conn, cluster, port)
    version = conn.info.server_version
    if 160000 <= version < 170000:
        pytest.skip("PostgreSQL 16: postgres_fdw ignores connect_timeout, docs/cloud-database.md")
    begun = time.monotonic()
    with pytest.raises(psycopg.Error):
        pull(connect())
    assert time.monotonic() - begun < 2 + 1
    # in the sweep: the others go on
    conn.execute("update artery.sweep_step set enabled = name = 'pull_asn_c', next_run_at = now()")
    begun = time.monotonic()
    try:
        connect().execute("call artery.tick()")
    except psycopg.Error:
        assert version >= 170000
    else:
        found = conn.execute("select problem from artery_procurement.cloud_status").fetchone()[0]
        assert "timeout expired" in found or "could not connect" in found
    assert time.monotonic() - begun < 2 + 1
    listener.close()
    with pytest.raises(psycopg.Error, match="could not connect") as refusal:
        pull(connect())
    assert refusal.value.sqlstate == "08001"


def test_no_timeout_can_be_left_out_and_no_password_stands_anywhere(
    erp, cloud, cluster, far, connect
):
    write(cloud(), "one")
    assert pull(erp)["taken"] == 1
    (said,) = erp.execute("select srvoptions from pg_foreign_server where srvname = 'c'").fetchone()
    names = {option.partition("=")[0] for option in said}
    assert {"connect_timeout", "keepalives", "keepalives_idle", "tcp_user_timeout"} <= names
    with pytest.raises(psycopg.Error) as refusal:
        set_up(erp, cluster, far.port, password="x")
    assert refusal.value.sqlstate == "IN631"
    with pytest.raises(psycopg.Error) as refusal:
        set_up(erp, cluster, 0, connect_timeout=0, keepalive="off", dbname="")
    assert refusal.value.sqlstate == "IN632"
    detail = refusal.value.diag.message_detail
    for part in ("connect_timeout must be", "'keepalive' is not known", "'dbname' is missing",
                 "port must be"):  # fmt: skip
        assert part in detail
    for table in ("pg_user_mapping", "pg_foreign_server", "pg_stat_activity"):
        text = erp.execute(f"select string_agg(t::text, ' ') from {table} as t").fetchone()[0]
        assert PASSWORD not in text
    assert PASSWORD not in cluster.log
    # again, with another option: from where it was
    set_up(erp, cluster, far.port, fetch_size=10)
    assert pull(erp)["taken"] == 0
    # read by nobody but artery_owner
    erp.execute("set role artery_admin")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        erp.execute("select * from artery_procurement.c_asn")
    erp.execute("reset role")
    erp.execute("select artery_procurement.remove_cloud('c')")
    assert erp.execute("select count(*) from artery_procurement.cloud_status").fetchone() == (0,)
    with pytest.raises(psycopg.Error) as refusal:
        pull(erp)
    assert refusal.value.sqlstate == "IN633"


def test_without_a_superuser_it_says_what_is_missing(conn, connect, cluster, far, cloud):
    conn.execute("drop role if exists cloud_dba")
    conn.execute("create role cloud_dba login in role artery_admin")
    conn.execute("grant artery_owner to cloud_dba")
    conn.execute(f"grant create on database {conn.info.dbname} to cloud_dba")
    dba = connect(user="cloud_dba")
    with pytest.raises(psycopg.Error) as refusal:
        set_up(dba, cluster, far.port)
    assert refusal.value.sqlstate == "IN630"
    assert "grant usage on foreign data wrapper" in refusal.value.diag.message_hint
    conn.execute("create extension postgres_fdw")
    conn.execute("grant usage on foreign data wrapper postgres_fdw to cloud_dba")
    (missing,) = set_up(dba, cluster, far.port)["missing"]
    assert dba.execute("select current_user").fetchone() == ("cloud_dba",)
    with pytest.raises(psycopg.Error, match="user mapping not found"):
        pull(conn)
    conn.execute(missing.partition("runs: ")[2])
    assert pull(conn)["taken"] == 0
    dba.execute("select artery_procurement.remove_cloud('c')")
    dba.close()
    conn.execute("drop owned by cloud_dba")
    conn.execute("drop role cloud_dba")


def test_the_statements_of_the_document(conn):
    blocks = [b.partition("\n```")[0] for b in DOCUMENT.split("\n\n```sql\n")[1:]]
    assert len(blocks) == 3
    (answer,) = conn.execute(blocks[0]).fetchone()
    assert (answer["missing"], answer["sslmode"]) == ([], "verify-full")
    assert len(conn.execute(blocks[1]).fetchall()) == 1
    conn.execute(blocks[2])


def test_a_restored_database_is_noticed(erp, cloud, cluster, server):
    there = cloud()
    write(there, "one")
    assert pull(erp)["taken"] == 1
    erp.execute("update artery_procurement.cloud_server set txid = txid + 100000")
    with pytest.raises(psycopg.Error) as refusal:
        pull(erp)
    assert refusal.value.sqlstate == "IN634"
    there.execute(BLOCKS[1])
    write(there, "two")
    erp.execute("select artery_procurement.restart_cloud('c')")
    got = pull(erp)
    assert (got["taken"], got["duplicates"]) == (1, 1)
    erp.execute("update artery_procurement.cloud_server set system_identifier = '1'")
    with pytest.raises(psycopg.Error, match="not the one"):
        pull(erp)


@pytest.fixture
def replica(far: Cluster, server: Server) -> Iterator[Cluster]:
    """A streaming replica of the cloud: same files, a port of its own."""
    import shutil

    standby = Cluster(server, durable=False)
    with standby as running:
        running.stop()
        data = running.path / "data"
        conf = (data / "postgresql.conf").read_text()
        shutil.rmtree(data)
        at = make_conninfo(far.dsn(), application_name="replica")
        running.run(
            "pg_basebackup", "-D", str(data), "-X", "stream", "--no-sync", "-c", "fast", "-d", at
        )
        # not by -R: a newer pg_basebackup writes options that an older server does not know
        (data / "postgresql.conf").write_text(f"{conf}primary_conninfo = '{at}'\n")
        (data / "standby.signal").touch()
        running.start()
        yield running


def test_a_stale_replica_is_safe_and_is_said(conn, cluster, far, cloud, replica):
    there = cloud()
    set_up(conn, cluster, replica.port)
    write(there, "one")
    deadline = time.monotonic() + 10
    while not (got := pull(conn))["taken"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "notice" not in got
    # replay stands still, the primary goes on
    standby = psycopg.connect(replica.dsn(), autocommit=True)
    standby.execute("select pg_wal_replay_pause()")
    while standby.execute("select pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
        time.sleep(0.01)
    write(there, "two")
    conn.execute("update artery_procurement.cloud_server set max_lag = '10 ms'")
    warned: list[str] = []
    conn.add_notice_handler(lambda notice: warned.append(notice.message_primary))
    deadline = time.monotonic() + 10
    while "notice" not in (got := pull(conn)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert got["taken"] == 0
    assert "behind" in got["notice"]
    assert "a replica answers" in warned[0]
    stale = "select stale_since is not null, problem from artery_procurement.cloud_status"
    assert conn.execute(stale).fetchone() == (True, got["notice"])
    found = "select found from artery_monitor.attention() where subject = 'cloud server c'"
    assert conn.execute(found).fetchone() == (got["notice"],)
    # the primary for once, then the replica again, which knows less: nothing twice, no alarm
    set_up(conn, cluster, far.port)
    assert pull(conn)["taken"] == 1
    set_up(conn, cluster, replica.port)
    got = pull(conn)
    assert (got["taken"], got["duplicates"]) == (0, 0)
    replica.execute("select pg_wal_replay_resume()")
    write(there, "three")
    deadline = time.monotonic() + 10
    while taken(conn) != ["one", "two", "three"]:
        assert time.monotonic() < deadline, pull(conn)
        pull(conn)
        time.sleep(0.02)
    # cut off from its primary
    replica.execute("alter system set primary_conninfo = ''")
    replica.execute("select pg_reload_conf()")
    deadline = time.monotonic() + 10
    while "cut off" not in pull(conn).get("notice", ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
