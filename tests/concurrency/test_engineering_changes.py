"""Engineering changes from many sessions at once: one base, one revision after it, no deadlock."""

from __future__ import annotations

import random
import threading

import psycopg
import pytest
from psycopg.types.json import Jsonb

pytestmark = pytest.mark.one_server

ITEMS = [f"A{number}" for number in range(6)]
SESSIONS = 8
EACH = 8

STRUCTURE = """
insert into artery_erp.unit (code, name, dimension) values ('EA', 'piece', 'count');
insert into artery_erp.item (code, name, status, source, stock_unit)
select i.code, i.code, 'released', 'make', 'EA' from unnest(%s::text[] || '{LEAF}') as i (code);
insert into artery_erp.bom (item_code, revision, status, unit)
select i.code, '1', 'released', 'EA' from unnest(%s::text[]) as i (code);
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
select b.id, 10, 'LEAF', 1, 'EA' from artery_erp.bom as b;
"""


def newest(conn: psycopg.Connection, item: str) -> str:
    row = conn.execute(
        "select b.revision from artery_erp.bom as b where b.item_code = %s "
        "and b.status = 'released' order by b.id desc limit 1",
        (item,),
    ).fetchone()
    assert row
    return str(row[0])


def notice(number: str, bases: dict[str, str], lines: list[dict[str, object]]) -> Jsonb:
    return Jsonb(
        {
            "ecn_no": number, "status": "approved", "title": "a change", "source": "plm",
            "boms": [
                {"item": item, "base_revision": base, "lines": lines}
                for item, base in bases.items()
            ],
        }
    )  # fmt: skip


@pytest.fixture
def world(connect) -> psycopg.Connection:
    conn = connect()
    conn.execute(STRUCTURE.replace("%s", f"'{{{','.join(ITEMS)}}}'").encode())
    return conn


def run_all(workers: list[threading.Thread]) -> None:
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert not any(worker.is_alive() for worker in workers)


def test_of_changes_to_one_base_one_is_made(connect, world: psycopg.Connection) -> None:
    for number in range(SESSIONS):
        body = notice(
            f"E{number}", {"A0": "1"}, [{"action": "change", "line_no": 10, "quantity": 2}]
        )
        world.execute("select artery_plm.create_eco(%s)", (body,))
        world.execute("select artery_plm.set_eco_status(%s, 'approved')", (f"E{number}",))
    outcomes: list[str | None] = []

    def schedule(number: int) -> None:
        conn = connect()
        try:
            conn.execute("select artery_plm.set_eco_status(%s, 'scheduled')", (f"E{number}",))
            outcomes.append(None)
        except psycopg.Error as error:
            outcomes.append(error.sqlstate)

    run_all([threading.Thread(target=schedule, args=(number,)) for number in range(SESSIONS)])
    assert outcomes.count(None) == 1
    assert outcomes.count("IN251") == SESSIONS - 1
    assert newest(world, "A0") == "2"


def test_overlapping_changes_neither_deadlock_nor_close_a_cycle(
    connect, world: psycopg.Connection
) -> None:
    faults: list[str] = []
    made: list[str] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        conn = connect()
        for turn in range(EACH):
            items = chance.sample(ITEMS, 2)
            lines = [
                {"action": "add", "line_no": 100 * (seed + 1) + turn,
                 "component": chance.choice(ITEMS), "quantity": 1, "unit": "EA"},
            ]  # fmt: skip
            number = f"E{seed}-{turn}"
            body = notice(number, {item: newest(conn, item) for item in items}, lines)
            try:
                row = conn.execute("select artery_api_v1.submit_ecn(%s)", (body,)).fetchone()
                assert row
                if row[0]["status"] == "rejected":
                    codes = {reason["code"] for reason in row[0]["reasons"]}
                    if not codes <= {"IN105", "IN251"}:
                        faults.append(f"{number}: {row[0]}")
                    continue
                for status in ("approved", "scheduled"):
                    conn.execute("select artery_plm.set_eco_status(%s, %s)", (number, status))
                made.append(number)
            except psycopg.Error as error:
                if error.sqlstate not in ("IN105", "IN251", "IN252"):
                    faults.append(f"{number}: {error}")

    run_all([threading.Thread(target=work, args=(seed,)) for seed in range(SESSIONS)])
    assert faults == []
    assert made
    cyclic = world.execute(
        """
        select e.path from unnest(%s::text[]) as i (code)
        cross join lateral artery_erp.bom_explosion(i.code) as e where e.cyclic
        """,
        (ITEMS,),
    ).fetchall()
    assert cyclic == []
    # each revision ends where the next begins
    overlapping = world.execute(
        """
        select a.item_code, a.revision, b.revision from artery_erp.bom as a
        join artery_erp.bom as b on b.item_code = a.item_code and b.id > a.id
        where a.status = 'released' and b.status = 'released' and a.effectivity && b.effectivity
        """
    ).fetchall()
    assert overlapping == []
