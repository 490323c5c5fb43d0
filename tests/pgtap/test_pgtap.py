"""Runs each pgTAP file by pg_prove, in a fresh clone of the migrated database: one test a file."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pg_artery.cluster import Cluster
from pg_artery.servers import Server

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/*.sql"))


def _newest_pgtap() -> Path | None:
    """pgTAP is plain SQL: a copy installed for another major version loads all the same."""
    found = Path("/usr/share/postgresql").glob("*/extension/pgtap--*.sql")
    whole = [path for path in found if re.fullmatch(r"pgtap--\d+(\.\d+)*", path.stem)]
    return max(
        whole, key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)], default=None
    )


@pytest.fixture(scope="session")
def pgtap_template(
    cluster: Cluster, template: str, server: Server, once: Callable[..., str]
) -> str:
    if shutil.which("pg_prove") is None:
        pytest.skip("pg_prove is missing (Debian: libtap-parser-sourcehandler-pgtap-perl)")
    source = _newest_pgtap()
    if server.has_extension("pgtap"):
        load = "create extension pgtap"
    elif source is not None:
        lines = source.read_text().splitlines()
        load = "\n".join(line for line in lines if not line.startswith("\\"))
    else:
        pytest.skip("pgTAP is missing (Debian: postgresql-15-pgtap)")

    def fill(dsn: str) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(load)

    return once(cluster, "pgtap_template", fill, template)


@pytest.mark.parametrize("file", FILES, ids=[str(path.relative_to(HERE)) for path in FILES])
def test_pgtap(file: Path, cluster: Cluster, pgtap_template: str) -> None:
    with cluster.database(f"tap_{file.stem}", pgtap_template):
        server = f"-h {cluster.path} -p {cluster.port} -U postgres -d tap_{file.stem}"
        psql = str(cluster.server.program("psql"))
        done = subprocess.run(
            ["pg_prove", "--verbose", "--psql-bin", psql, *server.split(), str(file)],
            capture_output=True,
            text=True,
            timeout=120,
        )
    if done.returncode != 0:
        pytest.fail(f"{done.stdout}\n{done.stderr}", pytrace=False)
