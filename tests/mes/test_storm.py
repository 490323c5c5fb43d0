"""Sixteen sessions post reports with overlapping components: no deadlock, no loss."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest
from factory import INBOX, buffer, build, check_books, check_cumulative, one

Connect = Callable[..., psycopg.Connection]
SESSIONS = 16
SEED = 20261121


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    return 60 if request.config.getoption("--long") else 6


def test_sixteen_sessions(conn: psycopg.Connection, connect: Connect, seconds: float) -> None:
    """Reports one by one and in batches, transfers of many items: all lock the same stock."""
    orders = build(conn, random.Random(SEED))
    conn.execute(
        "update artery_staging.inbox set batch_size = 20, lane = 'artery_mes.report_lane(jsonb)'"
        " where table_name = %s",
        (INBOX,),
    )
    until = time.monotonic() + seconds
    counts: Counter[str] = Counter()
    failed: list[BaseException] = []
    connections = [connect() for _ in range(SESSIONS)]

    def session(number: int) -> None:
        rng = random.Random(SEED + number)
        mine, turn = connections[number], 0
        try:
            while time.monotonic() < until:
                turn += 1
                reports = [
                    {
                        "source": "mes",
                        "report_id": f"{number}-{turn}-{n}",
                        "mo_no": rng.choice(orders),
                        "good": str(rng.randint(0, 5)),
                        "scrap": str(rng.randint(0, 1)),
                    }
                    for n in range(rng.randint(1, 10))
                ]
                kind = rng.choice(["answer", "batch", "move"])
                if kind == "answer":
                    text = json.dumps(reports[0])
                    said = one(mine, "select artery_api_v1.production_report(%s)", text)
                    assert said["status"] == "processed", said
                    counts["reports"] += 1
                elif kind == "batch":
                    buffer(mine, reports)
                    counts["reports"] += len(reports)
                    # both lanes or one of them, whoever else is at it
                    part = "select artery_staging._process(%s, null, 'infinity', %s)"
                    one(mine, part, INBOX, rng.choice([None, 0, 1]))
                else:
                    transfer(mine, rng)
                counts[kind] += 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=session, args=(n,)) for n in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 60)
    assert failed == []
    conn.execute("call artery.tick()")
    conn.execute("select artery_staging.process(%s)", (INBOX,))

    states = conn.execute(f"select status, count(*) from {INBOX} group by status").fetchall()
    assert states == [("processed", counts["reports"])], "each report once, none lost"
    assert one(conn, "select count(*) from artery_mes.production_report") == counts["reports"]
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    conn.execute("select pg_stat_force_next_flush()")
    assert one(conn, deadlocks) == 0
    assert one(conn, f"select max(attempts) from {INBOX}") == 1, "nothing had to be tried again"
    assert min(counts[kind] for kind in ("answer", "batch", "move")) > 0, counts
    check_books(conn)
    check_cumulative(conn)
    print(f"\n{SESSIONS} sessions, {seconds:.0f} s: {dict(counts)}, 0 deadlocks")


def transfer(conn: psycopg.Connection, rng: random.Random) -> None:
    """From the line to the main warehouse and back, in any order of the items."""
    moves = []
    for n in rng.sample(range(0, 12, 2), 4):
        for warehouse, quantity in (("LINE", "-1"), ("MAIN", "1")):
            moves.append({"item": f"C{n:02}", "warehouse": warehouse, "quantity": quantity})
    rng.shuffle(moves)
    one(conn, "select artery_erp.post_stock('transfer', 'test', 't', %s)", json.dumps(moves))
