"""The commands of docs/upgrade.md, on a database of the release before."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from documents import Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict
from test_migrate import query

import previous_release
from pg_artery.migrate import status

DOCUMENT = Path(__file__).parents[2] / "docs/upgrade.md"


@pytest.mark.one_server
@pytest.mark.parametrize("way", ["artery", "psql"])
def test_the_page_brings_a_database_up_to_date(
    cluster, once, tmp_path: Path, way: str, pytestconfig
) -> None:
    if way == "psql" and not pytestconfig.getoption("--long"):
        pytest.skip("the page's second way, by psql, is followed in the long form: --long")
    with cluster.database("erp_upgraded", previous_release.template(cluster, once)) as dsn:
        before = previous_release.contents(dsn)
        at = conninfo_to_dict(dsn)
        env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGHOST": str(at["host"]),
            "PGPORT": str(at["port"]),
            "PGUSER": "postgres",
            "ARTERY_DSN": dsn,
        }
        reader = Reader(tmp_path, env, str(at["dbname"]))
        blocks = read_blocks(DOCUMENT.read_text().replace("-d erp", "-d erp_upgraded"))
        blocks = [block for block in blocks if block.kind == "sh"]
        assert len(blocks) == 6
        upgrade = [block for block in blocks if block.text.startswith("artery migrate\n")]
        for block in blocks:
            block.shows = ""
            if block not in upgrade or way == "artery":
                reader.follow(block)
        assert status(dsn).up_to_date
        assert previous_release.lost(before, dsn) == []
        assert query(dsn, "select count(*) from pg_database where datname ~ '^artery_plan'") == [
            (0,)
        ]
