"""Readings in any order, repeated, in any batches, end as sorted-once and as a model here says.

The model walks through the seconds of an hour and knows no ranges, no SQL, no increments.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

START = datetime(2024, 3, 4, 12, 50, tzinfo=UTC)
SECONDS = 3600
TIMEOUT = 120
MODULUS = 1000
CYCLE = 2
#: shifts of the calendar, cut by the hour of the test at 13:00 and 13:30
SHIFTS = ((0, 600, "a"), (600, 2400, "b"), (2400, 3600, "c"))

_numbers = itertools.count(1)


@dataclass
class Readings:
    """What a device said, by second from START."""

    beats: set[int] = field(default_factory=set)
    states: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    sequences: dict[int, int] = field(default_factory=dict)
    downtimes: list[tuple[int, int, str]] = field(default_factory=list)

    def rows(self) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for at in self.beats:
            rows.append((at, "heartbeat", None, None, None, None, self.sequences.get(at)))
        for at, (state, reason) in self.states.items():
            rows.append((at, "state", None, None, state, reason, None))
        for at, (good, reject) in self.counts.items():
            rows.append((at, "counter", good, reject, None, None, None))
        return rows


moments = st.integers(0, SECONDS - 1)
states = st.tuples(
    st.sampled_from(["running", "running", "down", "idle", "setup", "offline"]),
    st.sampled_from([None, "JAM", "MAINT"]),
)


@st.composite
def readings(draw: st.DrawFn) -> Readings:
    beats = set(draw(st.lists(moments, max_size=15)))
    if draw(st.booleans()):
        begin, end = sorted((draw(moments), draw(moments)))
        beats |= set(range(begin, end, 100))
    shown = draw(st.lists(st.integers(0, MODULUS - 1), min_size=0, max_size=12))
    times = sorted(draw(st.sets(moments, min_size=len(shown), max_size=len(shown))))
    downtimes = st.tuples(moments, st.integers(1, 1200), st.sampled_from(["JAM", "MAINT"]))
    return Readings(
        beats,
        draw(st.dictionaries(moments, states, max_size=10)),
        {at: (n, n // 3) for at, n in zip(times, shown, strict=True)},
        dict(zip(sorted(beats), draw(st.lists(st.integers(0, 30), max_size=15)), strict=False)),
        draw(st.lists(downtimes, max_size=3)),
    )


def step(before: int, now: int) -> int:
    if now >= before:
        return now - before
    if before >= 0.9 * MODULUS and now < 0.1 * MODULUS:
        return MODULUS - before + now
    return now


def model(said: Readings) -> dict[str, list[int]]:
    """PBT, APT, down, unknown, good, reject of each shift, second by second."""
    signs = said.beats | set(said.states) | set(said.counts)
    state: tuple[str, str | None] = ("unknown", None)
    last_sign = -TIMEOUT - 1
    sums = {name: [0] * 6 for _, _, name in SHIFTS}
    for second in range(SECONDS):
        if second in signs:
            last_sign = second
        state = said.states.get(second, state)
        told, reason = state if second - last_sign < TIMEOUT else ("unknown", None)
        recorded = {r for at, length, r in said.downtimes if at <= second < at + length}
        stopped = told in ("down", "idle", "setup")
        if "MAINT" in recorded or (stopped and reason == "MAINT"):
            continue
        part = next(sums[name] for begin, end, name in SHIFTS if begin <= second < end)
        part[0] += 1
        if "JAM" in recorded or stopped:
            part[2] += 1
        elif told == "running":
            part[1] += 1
        else:
            part[3] += 1
    ordered = sorted(said.counts)
    for earlier, later in itertools.pairwise(ordered):
        part = next(sums[name] for begin, end, name in SHIFTS if begin <= later < end)
        for place in (0, 1):
            part[4 + place] += step(said.counts[earlier][place], said.counts[later][place])
    return sums


def gaps(said: Readings) -> list[tuple[int, int, int | None]]:
    numbered = [(at, said.sequences[at]) for at in sorted(said.sequences)]
    return [
        (at, number, number - before - 1 if number > before else None)
        for (_, before), (at, number) in itertools.pairwise(numbered)
        if number != before + 1
    ]


@pytest.fixture
def plant(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(
        """
        set timezone = 'UTC';
        update artery.partitioning set keep = null;
        insert into artery_erp.work_calendar (code, name) values ('hour', 'An hour');
        insert into artery_erp.work_shift (calendar_code, code, starts_at, ends_at) values
        ('hour', 'a', '12:50', '13:00'), ('hour', 'b', '13:00', '13:30'),
        ('hour', 'c', '13:30', '13:50');
        insert into artery_erp.downtime_reason (code, name, kind) values
        ('JAM', 'Jam', 'unplanned'), ('MAINT', 'Maintenance', 'planned');
        """
    )
    return conn


def machine(conn: psycopg.Connection, said: Readings) -> str:
    code = f"M{next(_numbers)}"
    conn.execute(
        "insert into artery_erp.equipment (code, name, calendar_code, ideal_cycle, in_service)"
        " values (%s, 'm', 'hour', %s, %s)",
        (code, CYCLE, START),
    )
    conn.execute(
        "insert into artery_iot.device (code, equipment_code, heartbeat_timeout, counter_modulus)"
        " values (%s, %s, %s, %s)",
        (code, code, timedelta(seconds=TIMEOUT), MODULUS),
    )
    for at, length, reason in said.downtimes:
        conn.execute(
            "insert into artery_erp.equipment_downtime (equipment_code, during, reason_code)"
            " values (%s, tstzrange(%s, %s), %s)",
            (
                code,
                START + timedelta(seconds=at),
                START + timedelta(seconds=at + length),
                reason,
            ),
        )
    return code


def send(conn: psycopg.Connection, code: str, batches: list[list[tuple[Any, ...]]]) -> None:
    end = START + timedelta(seconds=SECONDS)
    for batch in batches:
        with conn.cursor() as cursor:
            cursor.executemany(
                "insert into artery_staging.iot_sensor_reading"
                " (device, ts, kind, good, reject, state, reason_code, sequence)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s)",
                [(code, START + timedelta(seconds=row[0]), *row[1:]) for row in batch],
            )
        conn.execute("select artery_staging.process_sensor_readings('infinity')")
        conn.execute("select artery_iot._count_shifts(%s, %s)", ([code], end))
    conn.execute("select artery_iot._count_shifts(%s, %s)", ([code], end))


def outcome(conn: psycopg.Connection, code: str) -> dict[str, list[tuple[Any, ...]]]:
    queries = {
        "shifts": "select started_at, planned_busy, production, down, unknown, good, reject, ideal,"
        " resets from artery_iot.oee_shift where equipment_code = %s and shift_code is not null",
        "states": "select started_at, ended_at, state, reason_code from artery_iot.device_state"
        " where device_id = (select id from artery_iot.device where code = %s)",
        "production": "select bucket_at, good, reject, resets, rollovers from artery_iot.production"
        " where device_id = (select id from artery_iot.device where code = %s)",
        "gaps": "select sent_at, sequence, missing from artery_iot.sequence_event"
        " where device_id = (select id from artery_iot.device where code = %s)",
        "readings": "select kind, ts, good, state from artery_iot.sensor_reading"
        " where device_id = (select id from artery_iot.device where code = %s)",
    }
    return {name: sorted(conn.execute(query, (code,)), key=repr) for name, query in queries.items()}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(said=readings(), data=st.data())
def test_any_order_ends_as_sorted_once(
    plant: psycopg.Connection, said: Readings, data: st.DataObject
) -> None:
    rows = sorted(said.rows(), key=lambda row: row[0])
    once = machine(plant, said)
    send(plant, once, [rows])

    repeated = rows + (data.draw(st.lists(st.sampled_from(rows), max_size=10)) if rows else [])
    shuffled = data.draw(st.permutations(repeated))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    edges = [0, *cuts, len(shuffled)]
    other = machine(plant, said)
    send(plant, other, [shuffled[a:b] for a, b in itertools.pairwise(edges) if a < b])

    expected = outcome(plant, once)
    assert outcome(plant, other) == expected
    assert plant.execute("select id from artery_staging.iot_rejected_reading").fetchall() == []

    names = dict(zip((START + timedelta(seconds=s[0]) for s in SHIFTS), "abc", strict=True))
    counted = {names[row[0]]: [int(n) for n in row[1:7]] for row in expected["shifts"]}
    assert counted == model(said)
    assert all(row[7] == Decimal(CYCLE) * (row[5] + row[6]) for row in expected["shifts"])
    found = [((at - START).seconds, number, lost) for at, number, lost in expected["gaps"]]
    assert sorted(found) == sorted(gaps(said))
