"""The statements of docs/engineering-changes.md work, one after the other, on the demo's data."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from documents import read_blocks

import pg_artery.demo

pytestmark = pytest.mark.one_server

DOCUMENT = (Path(__file__).parents[2] / "docs/engineering-changes.md").read_text()
MASTER_DATA = Path(pg_artery.demo.__file__).with_name("master_data.sql").read_text()


def test_its_statements_do_what_it_says(conn: psycopg.Connection) -> None:
    conn.execute(MASTER_DATA.encode())
    shown: list[list[tuple[object, ...]]] = []
    for block in read_blocks(DOCUMENT):
        assert block.kind == "sql"
        for statement in block.text.removesuffix(";").split(";\n"):
            cursor = conn.execute(statement.encode())
            shown.append(cursor.fetchall() if cursor.description else [])
    answer, impact, approved, chosen, started, scheduled, *_ = shown
    assert answer[0][0]["status"] == "processed"  # type: ignore[index]
    assert impact
    assert approved == [("approved",)]
    assert chosen == [(len(impact),)]
    assert started == [(0,)]
    assert scheduled == [("scheduled",)]
    tree, where_used, difference, _, rolled_up, cost = shown[-6:]
    assert ("CP40", 10, "PC", "C") in tree
    assert where_used
    assert {row[:3] for row in difference} >= {
        (40, "changed", "CPL-28"),
        (60, "removed", "PAINT-5010"),
    }
    assert rolled_up[0][0]
    assert cost[0][1] == "bom"
    assert cost[0][0] is not None
