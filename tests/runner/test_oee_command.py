"""`artery oee`: what it prints, and how it ends."""

from __future__ import annotations

import json
from decimal import Decimal

import psycopg
import pytest
from click.testing import CliRunner, Result

from pg_artery.cli import main
from pg_artery.commands.oee import bar, trend

pytestmark = pytest.mark.one_server

# a press that ran 6 of 8 h, made 1,800 pieces of 10 s, 90 of them bad; a saw that nobody planned
PLANT = """
update artery.partitioning set keep = null;
insert into artery_erp.work_calendar (code, name) values ('day', 'Day shift');
insert into artery_erp.work_shift (calendar_code, code, starts_at, ends_at)
values ('day', 'early', '06:00', '14:00');
insert into artery_erp.downtime_reason values ('MAINT', 'Maintenance', 'planned');
insert into artery_erp.equipment (code, name, calendar_code, ideal_cycle, in_service)
select c, c, 'day', 10, '2024-03-04 06:00Z' from unnest('{PRESS,SAW}'::text[]) as c;
insert into artery_erp.equipment_downtime (equipment_code, during, reason_code)
values ('SAW', '[2024-03-01, 2024-04-01)', 'MAINT');
insert into artery_iot.device (code, equipment_code, heartbeat_timeout)
values ('d1', 'PRESS', '1 day');
insert into artery_staging.iot_sensor_reading (device, ts, kind, state, good, reject) values
('d1', '2024-03-04 06:00Z', 'state', 'running', null, null),
('d1', '2024-03-04 12:00Z', 'state', 'down', null, null),
('d1', '2024-03-04 06:00Z', 'counter', null, 0, 0),
('d1', '2024-03-04 11:00Z', 'counter', null, 1710, 90);
select artery_staging.process_sensor_readings('infinity');
select artery_iot._count_shifts('{PRESS,SAW}', '2024-03-04 14:00Z');
"""
RANGE = ("--from", "2024-03-04T06:00+00:00", "--to", "2024-03-04T14:00+00:00")


@pytest.fixture
def artery(conn: psycopg.Connection, dsn: str):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["oee", *arguments, "--dsn", dsn])

    run.conn = conn
    return run


@pytest.fixture
def plant(artery):
    artery.conn.execute(PLANT.encode())
    return artery


def test_a_table_with_ratios_times_and_charts(plant) -> None:
    result = plant(*RANGE)
    assert result.exit_code == 0
    _, _, press, saw = result.output.splitlines()
    # 21,600 / 28,800, 18,000 / 21,600, 1,710 / 1,800
    for part in ("PRESS", "75.0 %", "83.3 %", "95.0 %", "59.4 %", "███████▏░░░░", "6 h", "1710"):
        assert part in press
    assert saw.split() == ["SAW", "············", "-", "-", "-", "-", "·", "not", "planned"]


def test_shift_by_shift(plant) -> None:
    result = plant("PRESS", "--by", "shift", *RANGE)
    assert [line.split()[:3] for line in result.output.splitlines()[2:]] == [
        ["PRESS", "2024-03-04", "early"]
    ]


def test_json(plant) -> None:
    told = json.loads(plant("PRESS", "--json", *RANGE).stdout)
    assert told["by"] == "total"
    (row,) = told["oee"]
    assert row["oee"] == pytest.approx(0.59375)
    assert (row["planned_busy"], row["production"], row["down"]) == (28800, 21600, 7200)


def test_live(plant) -> None:
    told = json.loads(plant("--live", "--json").stdout)
    assert [(row["equipment_code"], row["state"]) for row in told["live"]] == [
        ("PRESS", "unknown"),
        ("SAW", None),
    ]
    assert plant("--live").output.splitlines()[2].split() == ["SAW", "unknown", "············", "-"]


def test_what_is_not_there(artery) -> None:
    assert "No machine" in artery().output
    assert "no machines yet" in artery("--live").output
    result = artery("LATHE")
    assert result.exit_code == 0
    assert "Nothing is known of LATHE" in result.output


def test_wrong_usage(artery) -> None:
    assert artery("--from", "yesterday").exit_code == 2
    wrong = artery("--from", "2024-03-04", "--to", "2024-03-04")
    assert wrong.exit_code == 1
    assert "22023" in wrong.output


def test_a_reader_may_look(plant, connect) -> None:
    plant.conn.execute("create role looker login; grant artery_reader to looker")
    reader = connect(user="looker")
    assert reader.execute("select count(*) from artery_iot.live_states()").fetchone() == (2,)
    found = reader.execute(
        "select equipment_code from artery_iot.equipment_oee(%s, %s)", (RANGE[1], RANGE[3])
    ).fetchall()
    assert found == [("PRESS",), ("SAW",)]
    plant.conn.execute("drop owned by looker; drop role looker")


def test_charts() -> None:
    assert bar(Decimal("0.5"), 4) == "██░░"
    assert bar(Decimal("1.25"), 4) == "███▶"
    assert bar(None, 3) == "···"
    assert trend([Decimal(0), Decimal("0.5"), Decimal(1), None, Decimal("1.4")]) == "▁▅█·█"
