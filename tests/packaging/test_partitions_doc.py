"""What docs/partitions.md says is done, word by word, and leaves what it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg
import pytest
from documents import Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict

DOCUMENT = Path(__file__).parents[2] / "docs/partitions.md"
#: of another age than the document's day, so that it is past it whenever this runs
OLD = "(now() - interval '200 days')"


@pytest.mark.one_server
def test_the_page_of_partitions(dsn: str, conn: psycopg.Connection, tmp_path: Path) -> None:
    conn.execute("create schema audit")
    conn.execute("set role artery_owner")
    conn.execute("update artery.partitioning set keep = null")
    conn.execute(f"select artery._ensure_partition('artery.cloud_log', {OLD})")
    conn.execute("reset role")
    conn.execute("create schema erp; grant usage, create on schema erp to artery_owner")
    conn.execute("create table erp.press_log (at timestamptz not null) partition by range (at)")
    conn.execute("alter table erp.press_log owner to artery_owner")
    conn.execute(
        "insert into artery.cloud_log (called_at, task_id, attempt, span_id, runner_id, topic,"
        " endpoint_id, request_id, method, url, request_bytes, request_hash, outcome)"
        f" select {OLD}, n, 1, '', 1, 't', 1, gen_random_uuid(), 'POST', '/', 0, '', 'sent'"
        " from generate_series(1, 100) as n"
    )
    (day,) = conn.execute(f"select to_char({OLD}, 'YYYYMMDD')").fetchone() or ("",)
    at = conninfo_to_dict(dsn)
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGHOST": str(at["host"]),
        "PGPORT": str(at["port"]),
        "ARTERY_DSN": dsn,
    }
    reader = Reader(tmp_path, env, str(at["dbname"]))
    blocks = read_blocks(DOCUMENT.read_text().replace("20260102", day))
    assert len(blocks) == 5
    for block in blocks:
        reader.follow(block)
    assert conn.execute("select count(*) from audit.found").fetchone() == (100,)
    assert conn.execute("select count(*) from artery.cloud_log").fetchone() == (0,)
    conn.execute("select artery.create_partitions('infinity')")
    made = "select partitions > 7 from artery_monitor.partition_horizon where parent ~ 'press'"
    assert conn.execute(made).fetchone() == (True,)
