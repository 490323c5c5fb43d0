"""Every statement of docs/invoices.md does what it says; `artery invoice` shows what it made."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from documents import Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict

from pg_artery.commands import invoice
from pg_artery.errors import ArteryError

DOCUMENT = Path(__file__).parents[2] / "docs" / "invoices.md"

pytestmark = pytest.mark.one_server


def called(dsn: str, *arguments: str) -> str:
    done = CliRunner().invoke(invoice.command, [*arguments, "--dsn", dsn], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_statements_and_what_the_command_shows_of_them(dsn: str, tmp_path: Path) -> None:
    at = conninfo_to_dict(dsn)
    env = {**os.environ, "PGHOST": str(at["host"]), "PGPORT": str(at["port"])}
    reader = Reader(tmp_path, env, str(at["dbname"]))
    blocks = read_blocks(DOCUMENT.read_text())
    assert len(blocks) >= 8
    for block in blocks:
        reader.follow(block)

    listed = json.loads(called(dsn, "list", "--json"))["invoices"]
    assert [(row["source_id"], row["status"], row["total"]) for row in listed] == [
        ("O-77", "requested", "212.00"),
        ("S-1001", "requested", "11222.24"),
    ]
    assert "O-77" not in called(dsn, "list", "--status", "issued")
    (shown,) = json.loads(called(dsn, "show", "S-1001", "--json"))["invoices"]
    assert [line["kind"] for line in shown["lines"]] == ["discounted", "discount", "normal"]
    assert [event["event"] for event in shown["history"]] == ["created", "requested"]
    assert "1090119010000000000" in called(dsn, "show", shown["invoice"]["order_no"])
    with pytest.raises(ArteryError) as refused:
        called(dsn, "show", "NONE")
    assert refused.value.sqlstate == "IN503"
