"""Readings of machines: accepting them, rolling ten million of them up, reading a month of OEE.

Three targets, so the ratio is the worst of them over its target: COPY into staging at half the
speed of a COPY of the same rows into a bare table; batches through the API, as JSON, at a quarter
of it; the OEE of 100 machines over 30 days in 100 ms.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any, LiteralString

import psycopg

from bench.report import Result
from bench.stack import Stack
from bench.stats import median, percentile
from pg_artery.migrate import migrate

COPY_TARGET, API_TARGET, READ_TARGET_MS = 0.5, 0.25, 100.0
ROWS = 500_000
BATCH = 5_000
MACHINES, DAYS = 100, 30
# 26 s from reading to reading, of each machine
READINGS = int(os.environ.get("ARTERY_BENCH_READINGS", "10000000"))
SLICES = DAYS * 4
READS = 21

_COLUMNS = (
    "device, ts, kind, metric, value, good, reject, state, reason_code, item_code, sequence,"
    " sent_at, historical"
)
_EMPTY = "truncate bare, artery_staging.iot_sensor_reading, artery_staging.iot_reading_batch"
_STAGED = """
    select (select count(*) from bare) + (select count(*) from artery_staging.iot_sensor_reading)
        + (select coalesce(sum(length), 0) from artery_staging.iot_reading_batch)
"""
_PLANT = """
    insert into artery_erp.work_calendar values ('bench', 'Bench', 'Europe/Berlin');
    insert into artery_erp.work_shift (calendar_code, code, weekdays, starts_at, ends_at) values
    ('bench', 'early', '{1,2,3,4,5,6,7}', '06:00', '14:00'),
    ('bench', 'late', '{1,2,3,4,5,6,7}', '14:00', '22:00'),
    ('bench', 'night', '{1,2,3,4,5,6,7}', '22:00', '06:00');
    insert into artery_erp.downtime_reason values ('JAM', 'Jam', 'unplanned');
    insert into artery_erp.equipment (code, name, calendar_code, ideal_cycle, in_service)
    select 'M' || m, 'Machine ' || m, 'bench', 2, date_trunc('hour', now()) - interval '30 days'
    from generate_series(1, 100) as m;
    insert into artery_iot.device (code, equipment_code, heartbeat_timeout)
    select 'device-' || code, code, '5 minutes' from artery_erp.equipment;
    create table bare (
        device text, ts timestamptz, kind text, metric text, value double precision, good numeric,
        reject numeric, state text, reason_code text, item_code text, sequence bigint,
        sent_at timestamptz, historical boolean
    );
    -- heartbeats, states, measures and counters in turn; a stop of ten minutes now and then
    create function sample(p_first bigint, p_last bigint, p_gap interval) returns setof bare
    language sql as $$
        select
            'device-M' || m, date_trunc('hour', now()) - interval '30 days' + i * p_gap,
            k.kind, case k.kind when 'measure' then 'oil' end,
            case k.kind when 'measure' then 60.0 + i % 20 end::double precision,
            case k.kind when 'counter' then i * 10 + m end::numeric,
            case k.kind when 'counter' then i / 4 end::numeric,
            case when k.kind = 'state' and i % 1000 < 24 then 'down' when k.kind = 'state'
                then 'running' end,
            case when k.kind = 'state' and i % 1000 < 24 then 'JAM' end,
            null, null::bigint, null::timestamptz, null::boolean
        from generate_series(p_first, p_last - 1) as i
        cross join generate_series(1, 100) as m
        cross join lateral (
            select ('{counter,state,counter,heartbeat,counter,measure}'::text[])[i % 6 + 1]
        ) as k (kind)
    $$
"""


def measure(stack: Stack, rounds: int) -> Result:
    """Interleaved rounds of the ways in; then the load and the reads, once."""
    dsn = stack.database("sensor")
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(_PLANT.encode())
        rates = _ways_in(conn, rounds)
        load = _roll_up(conn)
        reads = _reads(conn)
    medians = {name: median(found) for name, found in rates.items()}
    copy, api = (medians[name] / medians["bare"] for name in ("copy", "api"))
    read = median(reads["ms"])
    rows = [
        ("COPY into a bare table", f"{medians['bare']:,.0f}/s", ""),
        ("COPY into staging", f"{medians['copy']:,.0f}/s", f"{copy:.2f} x, target {COPY_TARGET}"),
        (
            f"API, {ROWS // MACHINES:,} of a device a call",
            f"{medians['api']:,.0f}/s",
            f"{api:.2f} x, target {API_TARGET}",
        ),
        (
            f"API, {BATCH:,} of all devices a call",
            f"{medians['api_mixed']:,.0f}/s",
            f"{medians['api_mixed'] / medians['bare']:.2f} x",
        ),
        (
            f"{load['readings']:,} rolled up",
            f"{load['per_second']:,.0f}/s",
            f"first tenth {load['first_tenth']:,.0f}/s, last {load['last_tenth']:,.0f}/s",
        ),
        (
            f"OEE of {MACHINES} machines, {DAYS} days",
            f"{read:.1f} ms",
            f"p95 {percentile(reads['ms'], 0.95):.1f} ms, target {READ_TARGET_MS:.0f} ms",
        ),
    ]
    figures = {
        "unit": "readings a second; milliseconds for the reads",
        "median": medians,
        "runs": rates,
        "load": load,
        "reads": reads,
    }
    worst = min(copy / COPY_TARGET, api / API_TARGET, READ_TARGET_MS / read)
    return Result("sensor", worst, 1.0, rows, figures)


def _ways_in(conn: psycopg.Connection, rounds: int) -> dict[str, list[float]]:
    """Each round: the same rows by COPY into both tables and through the API, in turns."""
    count = ROWS // MACHINES
    text = b"".join(_copied(conn, f"select * from sample(0, {count}, '26 s')"))
    mixed = _batches(
        conn,
        """
        select jsonb_build_object('readings', jsonb_agg(s.reading))
        from (
            select
                jsonb_strip_nulls(to_jsonb(r)) as reading,
                (row_number() over () - 1) / %s as batch
            from sample(0, %s, '26 s') as r
        ) as s
        group by s.batch
        """,
        (BATCH, count),
    )
    by_device = _batches(
        conn,
        """
        select jsonb_build_object(
            'device', r.device, 'readings', jsonb_agg(jsonb_strip_nulls(to_jsonb(r) - 'device'))
        )
        from sample(0, %s, '26 s') as r
        group by r.device
        """,
        (count,),
    )
    ways: dict[str, Callable[[], None]] = {
        "bare": lambda: _copy(conn, "copy bare from stdin", text),
        "copy": lambda: _copy(
            conn, f"copy artery_staging.iot_sensor_reading ({_COLUMNS}) from stdin", text
        ),
        "api": lambda: _call(conn, by_device),
        "api_mixed": lambda: _call(conn, mixed),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name in list(ways)[:: -1 if turn % 2 else 1]:
            conn.execute(_EMPTY)
            conn.execute("checkpoint")
            began = time.monotonic()
            ways[name]()
            rates[name].append(ROWS / (time.monotonic() - began))
            if (there := _value(conn, _STAGED)) != ROWS:
                raise RuntimeError(f"{ROWS} readings went in by {name}, {there} are there")
    conn.execute(_EMPTY)
    return rates


def _batches(conn: psycopg.Connection, query: LiteralString, values: Any) -> list[str]:
    return [json.dumps(batch) for (batch,) in conn.execute(query, values)]


def _copied(conn: psycopg.Connection, query: str) -> list[bytes]:
    with conn.cursor().copy(f"copy ({query}) to stdout".encode()) as copy:
        return [bytes(part) for part in copy]


def _copy(conn: psycopg.Connection, statement: str, text: bytes) -> None:
    with conn.cursor().copy(statement.encode()) as copy:
        copy.write(text)


def _call(conn: psycopg.Connection, batches: list[str]) -> None:
    for batch in batches:
        conn.execute("select artery_api_v1.sensor_readings(%s::text::jsonb)", (batch,))


def _roll_up(conn: psycopg.Connection) -> dict[str, Any]:
    """Hand the month in, six hours at a time; only the sweep's work is timed."""
    each = READINGS // MACHINES
    gap = f"{DAYS * 86400 / each} s"
    rates: list[float] = []
    spent = 0.0
    for number in range(SLICES):
        first, last = each * number // SLICES, each * (number + 1) // SLICES
        conn.execute(
            "insert into artery_staging.iot_sensor_reading "
            f"({_COLUMNS}) select * from sample(%s, %s, %s::interval)".encode(),
            (first, last, gap),
        )
        began = time.monotonic()
        conn.execute("select artery_staging.process_sensor_readings('infinity')")
        conn.execute("select artery_iot.roll_up('infinity')")
        seconds = time.monotonic() - began
        spent += seconds
        rates.append((last - first) * MACHINES / seconds)
        # what autovacuum does between sweeps of a live system
        conn.execute("vacuum artery_staging.iot_sensor_reading, artery_iot.device_state")
    tenth = SLICES // 10
    kept = _value(conn, "select count(*) from artery_iot.sensor_reading")
    if kept != each * MACHINES:
        raise RuntimeError(f"{each * MACHINES} readings went in, {kept} are there")
    return {
        "readings": kept,
        "seconds": spent,
        "per_second": kept / spent,
        "first_tenth": median(rates[:tenth]),
        "last_tenth": median(rates[-tenth:]),
        "slices": rates,
    }


def _reads(conn: psycopg.Connection) -> dict[str, Any]:
    """The month by machine, to the minute: both ends cut shifts."""
    conn.execute("vacuum analyze")
    query: LiteralString = """
        select count(*), sum(planned_busy) from artery_iot.equipment_oee(
            date_trunc('hour', now()) - interval '30 days' + interval '7 minutes',
            date_trunc('hour', now()) - interval '7 minutes'
        )
    """
    found: list[float] = []
    for _ in range(READS):
        began = time.monotonic()
        row = conn.execute(query).fetchone()
        found.append((time.monotonic() - began) * 1000)
        if row is None or row[0] != MACHINES:
            raise RuntimeError(f"OEE of {row} instead of {MACHINES} machines")
    plan = [line for (line,) in conn.execute("explain (analyze, buffers) " + query)]
    return {"ms": found, "plan": plan}


def _value(conn: psycopg.Connection, query: LiteralString) -> Any:
    row = conn.execute(query).fetchone()
    return row[0] if row else None
