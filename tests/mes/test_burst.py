"""A burst of reports: taken at once, drained in order, through a crash in the middle."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import psycopg
import pytest
from factory import INBOX, build, check_books, check_cumulative, one

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate

FILL = f"""
insert into {INBOX} (source, message_id, body)
select 'mes', 'R' || n, jsonb_build_object(
    'mo_no', 'MO-' || lpad((n %% 16)::text, 3, '0'), 'good', '1')
from generate_series(1, %s) as n
"""


def anonymous_memory(pid: int) -> int:
    """Of a backend, in MiB: what is its own and not shared."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) // 1024
    return 0


@pytest.mark.one_server
@pytest.mark.timeout(900)
def test_a_burst_is_drained_in_order_through_a_crash(
    own_cluster: Cluster, request: pytest.FixtureRequest
) -> None:
    reports = 100_000 if request.config.getoption("--long") else 6_000
    dsn = own_cluster.create_database("burst")
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        build(conn, random.Random(7))
        conn.execute("update artery_staging.inbox set batch_size = 500")
        begun = time.monotonic()
        conn.execute(FILL.encode(), (reports,))
        taken = time.monotonic() - begun

    crash = threading.Thread(target=crash_once_posted, args=(own_cluster, dsn, reports // 5))
    crash.start()
    with pytest.raises(psycopg.OperationalError):
        drain(dsn, [])
    crash.join()
    own_cluster.start()
    with psycopg.connect(dsn, autocommit=True) as conn:
        left = one(conn, f"select count(*) from {INBOX} where status = 'new'")
        done = one(conn, "select count(*) from artery_mes.production_report")
        assert left + done == reports, "each is either waiting or posted"
        assert left > 0 < done, "the crash came when there was nothing to lose"
        check_books(conn)

    memory: list[int] = []
    begun = time.monotonic()
    drain(dsn, memory)
    rate = left / (time.monotonic() - begun)
    with psycopg.connect(dsn, autocommit=True) as conn:
        states = conn.execute(f"select status, count(*) from {INBOX} group by status").fetchall()
        assert states == [("processed", reports)]
        disorder = """
            select count(*) from (
                select id - lag(id) over (order by posting_id) as step
                from artery_mes.production_report
            ) as s where step < 0
        """
        assert one(conn, disorder) == 0, "posted in the order in which they came"
        check_books(conn)
        check_cumulative(conn)
    assert max(memory) - min(memory) <= 16, f"memory grows: {memory}"
    print(
        f"\n{reports:,} taken in {taken:.1f} s; {left:,} drained after the crash at {rate:,.0f}/s;"
        f" backend's own memory {min(memory)} to {max(memory)} MiB"
    )


def crash_once_posted(cluster: Cluster, dsn: str, posted: int) -> None:
    """Crash the server when so many reports are posted."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        while one(conn, "select count(*) from artery_mes.production_report") < posted:
            time.sleep(0.005)
    cluster.crash()


def drain(dsn: str, memory: list[int]) -> None:
    """Sweep until nothing waits, as pg_cron and runners do; note the backend's memory."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "update artery.sweep_step set time_limit = '300 ms' where argument = %s", (INBOX,)
        )
        while one(conn, f"select count(*) from {INBOX} where status = 'new'"):
            conn.execute("call artery.tick()")
            memory.append(anonymous_memory(conn.info.backend_pid))
