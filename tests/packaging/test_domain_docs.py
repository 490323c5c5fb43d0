"""The statements and commands of docs/mes.md, oee.md, monitor.md and configuration.md work."""

from __future__ import annotations

import os
import re
import socket
import sys
import tomllib
from pathlib import Path

import psycopg
import pytest
from documents import Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict

import pg_artery.demo
from pg_artery import configuration

pytestmark = pytest.mark.one_server

DOCS = Path(__file__).parents[2] / "docs"
MASTER_DATA = Path(pg_artery.demo.__file__).with_name("master_data.sql").read_text()


@pytest.fixture
def reader(dsn: str, tmp_path: Path):
    at = conninfo_to_dict(dsn)
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGHOST": str(at["host"]),
        "PGPORT": str(at["port"]),
        "ARTERY_DSN": dsn,
    }
    reading = Reader(tmp_path, env, str(at["dbname"]))
    yield reading
    reading.close()


def follow(reader: Reader, text: str, fewest: int) -> None:
    blocks = read_blocks(text)
    assert len(blocks) >= fewest
    for block in blocks:
        if block.kind not in ("toml", "yaml"):  # other programs' files, and one of ours read below
            reader.follow(block)


def test_the_mes_page(reader: Reader, conn: psycopg.Connection) -> None:
    conn.execute(MASTER_DATA.encode())
    conn.execute("select artery_mes.setup_mes('http://127.0.0.1:9/api/v1')")
    conn.execute('select artery_api_v1.release_mo(\'{"mo_no": "MO-1001"}\')')
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute("update artery.integration_task set status = 'dead', ended_at = now()")
    follow(reader, (DOCS / "mes.md").read_text(), 3)
    sent = "select count(*) from artery.integration_task where document_id = 'MO-1001'"
    assert conn.execute(sent).fetchone() == (2,), "sent anew"


def test_the_page_of_machines(reader: Reader, conn: psycopg.Connection) -> None:
    conn.execute(MASTER_DATA.encode())
    conn.execute("call artery.tick()")
    # what it says of TimescaleDB is run by tests/iot/test_timescaledb.py
    text = (DOCS / "oee.md").read_text()
    follow(reader, text, 6)
    conn.execute("update artery.sweep_step set next_run_at = '-infinity'")
    conn.execute("call artery.tick()")
    conn.execute("drop owned by gateway; drop role gateway")
    left = """
        select count(*) from artery_staging.iot_sensor_reading
        union all select count(*) from artery_staging.iot_reading_batch
    """
    folded = conn.execute("select count(*) from artery_iot.sensor_reading").fetchone()
    assert conn.execute(left).fetchall() == [(0,), (0,)], "all taken"
    assert folded != (0,)


def test_the_monitor_page(reader: Reader, conn: psycopg.Connection, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    text = (DOCS / "monitor.md").read_text()
    for there, here in (
        ("/etc/artery", str(tmp_path)),
        ("artery monitor\n", f"artery monitor --port {port}\n"),
        ("--listen 10.20.0.5", "--listen 127.0.0.1 --port 0"),
    ):
        text = text.replace(there, here)
    try:
        follow(reader, text, 3)
    finally:
        conn.execute("drop role if exists artery_page")


def test_the_configuration_page(reader: Reader, tmp_path: Path) -> None:
    text = (DOCS / "configuration.md").read_text()
    follow(reader, text, 1)
    assert (tmp_path / "artery.toml").is_file()
    [example] = re.findall(r"```toml\n(.*?)```", text, re.S)
    file = tmp_path / "example.toml"
    file.write_text(example)
    assert configuration.read(file)["run"] == {
        "processes": tomllib.loads(example)["run"]["processes"],
        "connect_wait": 300,
    }
