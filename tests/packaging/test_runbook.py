"""docs/runbook.md: what it says to type works, and every alarm that goes off has a section."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import psycopg
import pytest
from documents import Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict

pytestmark = pytest.mark.one_server

DOCUMENT = (Path(__file__).parents[2] / "docs/runbook.md").read_text()


def broken(conn: psycopg.Connection) -> None:
    """Make a dead, a held and a due task, and a rejected message."""
    conn.execute("call artery.tick()")
    conn.execute(
        "select artery.add_endpoint('carrier', 'http://127.0.0.1:9/api/v1', '{\"idempotent\": 0}')"
    )
    conn.execute("select artery.add_route('carrier.shipment', 'carrier', '/shipments')")
    for number in range(3):
        conn.execute(
            "select artery.enqueue_task('carrier.shipment', '{}', p_document_id => %s)",
            (f"S-100{number}",),
        )
    [(runner,)] = conn.execute("select artery.register_runner('r', 'h', 1, '0')").fetchall()
    claimed = conn.execute(
        "select id, attempt from artery.claim_tasks(%s, 2) order by id", (runner,)
    ).fetchall()
    ends: list[dict[str, object]] = [{"status_code": 422}, {"error_kind": "reset", "error": "cut"}]
    results = [
        end | {"id": task, "attempt": attempt, "span_id": "0" * 16, "url": "http://x", "ago_ms": 1}
        for (task, attempt), end in zip(claimed, ends, strict=True)
    ]
    conn.execute("select artery.report_results(%s, %s)", (runner, json.dumps(results)))
    conn.execute("select artery.set_endpoint('carrier', '{\"enabled\": false}')")
    conn.execute(
        "insert into artery_staging.plm_bom (message_id, body) values ('B-1', '{\"boms\": 7}')"
    )
    conn.execute("select artery_staging.process('artery_staging.plm_bom')")


def test_what_it_says_to_type_puts_things_right(
    conn: psycopg.Connection, dsn: str, tmp_path: Path
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("no jq, which one command of it needs")
    broken(conn)
    at = conninfo_to_dict(dsn)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PGHOST": str(at["host"]), "PGPORT": str(at["port"]), "ARTERY_DSN": dsn}
    reader = Reader(tmp_path, env | {"PATH": path}, str(at["dbname"]))
    blocks = read_blocks(DOCUMENT)
    assert len(blocks) >= 20
    for block in blocks:
        reader.follow(block)
    tasks = conn.execute(
        "select document_id, status from artery.integration_task order by 1"
    ).fetchall()
    assert tasks == [("S-1000", "pending"), ("S-1001", "sent"), ("S-1002", "pending")]
    [(history,)] = conn.execute("select history from artery_staging.plm_bom").fetchall()
    assert "conversion KG to PCE added" in json.dumps(history)


def test_each_alarm_says_whether_it_wakes_somebody() -> None:
    sections = re.findall(r"^## (Artery\w+)\n\n\*(Page|Ticket)\. ", DOCUMENT, re.M)
    assert len(sections) == len(re.findall(r"^## Artery", DOCUMENT, re.M)) >= 11
    linked = set(re.findall(r"\]\(#(\w+)\)", DOCUMENT))
    assert linked <= {name.lower() for name, _ in sections}
