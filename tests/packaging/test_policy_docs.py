"""Every statement of docs/delivery-policy.md and docs/sagas.md does what the text says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from documents import Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.one_server


@pytest.mark.parametrize("name", ["delivery-policy", "sagas"])
def test_the_statements_of(name: str, dsn: str, tmp_path: Path) -> None:
    at = conninfo_to_dict(dsn)
    env = {**os.environ, "PGHOST": str(at["host"]), "PGPORT": str(at["port"])}
    reader = Reader(tmp_path, env, str(at["dbname"]))
    blocks = read_blocks((DOCS / f"{name}.md").read_text())
    assert len(blocks) >= 4
    for block in blocks:
        reader.follow(block)
