"""Readings in a hypertable: the same answers as from daily partitions, also once compressed.

Runs where a server has TimescaleDB. One that is built from source, in a folder of its own, is found
as ARTERY_PG_VERSIONS tells (docs/oee.md), and chosen by --pg=NAME.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate
from pg_artery.servers import Server

PLANT = """
update artery.partitioning set keep = '6 days' where parent = 'artery_iot.sensor_reading';
insert into artery_erp.downtime_reason (code, name, kind) values ('JAM', 'Jam', 'unplanned');
insert into artery_erp.equipment (code, name, ideal_cycle, in_service)
values ('M1', 'M1', 10, date_trunc('day', now(), 'UTC') - interval '4 days');
insert into artery_iot.device (code, equipment_code) values ('d-M1', 'M1');
"""

#: a heartbeat, a state or a counter each minute, of so many days from the fourth last on
FILL = """
insert into artery_staging.iot_sensor_reading (device, ts, kind, state, reason_code, good, reject)
select 'd-M1', date_trunc('day', now(), 'UTC') - interval '4 days' + n * interval '1 minute',
    (array['heartbeat', 'state', 'counter'])[n %% 3 + 1],
    case n %% 3 when 1 then case when n %% 100 < 10 then 'down' else 'running' end end,
    case when n %% 3 = 1 and n %% 100 < 10 then 'JAM' end,
    case n %% 3 when 2 then n * 5 end, case n %% 3 when 2 then n / 7 end
from generate_series(%s * 1440, %s * 1440 - 1) as n
where n %% 500 > 20
"""

#: one of what is there again, one of it with another state, one that was not there
LATE = """
insert into artery_staging.iot_sensor_reading (device, ts, kind, state)
select 'd-M1', date_trunc('day', now(), 'UTC') - interval '4 days' + n * interval '1 minute',
    'state', s
from (values (31, 'running'), (34, 'idle'), (330, 'setup')) as v (n, s)
"""

SEEN = {
    "readings": """
        select count(*), count(distinct ts), sum(good), sum(reject),
            md5(string_agg(r::text, '' order by r::text))
        from (select kind, ts, metric, good, reject, state, reason_code
            from artery_iot.sensor_reading) as r
    """,
    "rejected": """
        select count(*), min(reasons #>> '{0,code}') from artery_staging.iot_rejected_reading
    """,
    "OEE": """
        select planned_busy, production, planned_down, produced, good, availability, quality, oee
        from artery_iot.equipment_oee(
            date_trunc('day', now(), 'UTC') - interval '3 days 23 hours 58 minutes',
            date_trunc('day', now(), 'UTC') - interval '1 day 7 minutes', '{M1}')
    """,
    "shifts": """
        select * from artery_iot.equipment_oee
        where ended_at < now() - interval '1 day' order by started_at
    """,
}


@pytest.fixture
def timescale(server: Server) -> Iterator[Cluster]:
    if not server.has_extension("timescaledb"):
        pytest.skip("TimescaleDB is missing, and in no Debian package: hypertables are not tested")
    settings = {
        "shared_preload_libraries": "timescaledb",
        "timescaledb.telemetry_level": "off",
        "max_worker_processes": "16",
    }
    with Cluster(server, durable=False, settings=settings, cron_database=None) as running:
        yield running


def opened(cluster: Cluster, name: str) -> psycopg.Connection:
    dsn = cluster.create_database(name)
    migrate(dsn)
    conn = psycopg.connect(dsn, autocommit=True)
    conn.execute(PLANT.encode())
    return conn


def sweep(conn: psycopg.Connection) -> None:
    conn.execute("update artery.sweep_step set next_run_at = '-infinity'")
    conn.execute("call artery.tick()")
    failed = "select name, error from artery.sweep_step where outcome = 'failed'"
    assert conn.execute(failed).fetchall() == []


def seen(conn: psycopg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {name: conn.execute(query.encode()).fetchall() for name, query in SEEN.items()}


def chunks(conn: psycopg.Connection) -> tuple[int, int]:
    row = conn.execute(
        "select count(*), count(*) filter (where is_compressed) from timescaledb_information.chunks"
        " where hypertable_schema = 'artery_iot' and hypertable_name = 'sensor_reading'"
    ).fetchone()
    assert row is not None
    return row


def test_a_hypertable_answers_as_partitions_do(timescale: Cluster) -> None:
    with opened(timescale, "native") as native, opened(timescale, "hyper") as hyper:
        for conn in (native, hyper):
            conn.execute(FILL, (0, 2))
            sweep(conn)
        before = seen(hyper)
        hyper.execute("create extension timescaledb")
        hyper.execute("select artery_iot.use_timescaledb('1 day')")
        assert seen(hyper) == before == seen(native), "what was there is there"
        assert chunks(hyper) == (2, 0)

        for conn in (native, hyper):
            conn.execute(FILL, (2, 4))
            sweep(conn)
        assert seen(hyper) == seen(native) != before, "what comes goes in"
        sweep(hyper)
        made, compressed = chunks(hyper)
        assert made == 4
        assert compressed >= 2
        assert seen(hyper) == seen(native), "compressed, it says the same"

        for conn in (native, hyper):
            conn.execute(LATE)
            sweep(conn)
        late = seen(native)
        assert late["rejected"] == [(1, "IN405")], "what contradicts is refused"
        assert seen(hyper) == late, "a late reading corrects a day that is compressed"

        hyper.execute("select artery_iot.use_timescaledb('1 day')")
        assert seen(hyper) == late, "asked again it does nothing"
        hyper.execute(
            "insert into artery_iot.sensor_reading"
            " (device_id, kind, ts, metric, historical, received_at)"
            " select 1, 'heartbeat', now() - interval '9 days', '', false, now()"
        )
        before_drop, compressed = chunks(hyper)
        sweep(hyper)
        assert chunks(hyper) == (before_drop - 1, compressed)
        assert seen(hyper) == late, "what is older than is kept goes, and no more"
