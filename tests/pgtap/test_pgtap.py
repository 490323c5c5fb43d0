"""Runs each pgTAP file by pg_prove, in a fresh clone of the migrated database: one test a file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pg_artery.cluster import Cluster
from pg_artery.servers import Server
from pgtap_source import statements

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/*.sql"))


@pytest.fixture(scope="session")
def pgtap_template(
    cluster: Cluster, template: str, server: Server, once: Callable[..., str]
) -> str:
    if shutil.which("pg_prove") is None:
        pytest.skip("pg_prove is missing (Debian: libtap-parser-sourcehandler-pgtap-perl)")
    load = statements(server)

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
