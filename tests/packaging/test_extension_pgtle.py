"""The same extension without a file on the server: through pg_tle, by who is no superuser."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from catalog_snapshot import snapshot
from members import first_rights, members
from psycopg.conninfo import make_conninfo

import previous_release
from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate
from pg_artery.servers import Server

pytestmark = pytest.mark.one_server


@pytest.fixture(scope="module")
def tle_cluster(server: Server) -> Iterator[Cluster]:
    if not (server.has_extension("pg_tle") and server.has_library("pg_tle")):
        pytest.skip(f"no pg_tle in PostgreSQL {server.major}: packaging for it is not tested")
    load = {"shared_preload_libraries": "pg_tle"}
    with Cluster(server, durable=False, settings=load, cron_database=None) as cluster:
        cluster.execute("create role dba login createrole")
        yield cluster


@pytest.fixture
def dba(tle_cluster: Cluster) -> Iterator[str]:
    """Connection string of a database as who a managed server makes its administrator."""
    with tle_cluster.database("managed") as dsn:
        with psycopg.connect(dsn) as conn:
            conn.execute("create extension pg_tle")
            conn.execute("grant pgtle_admin to dba; grant create on database managed to dba")
        yield make_conninfo(dsn, user="dba")


@pytest.fixture
def register(dba: str, server: Server, build_extension: Any, tmp_path: Path) -> Any:
    def run(sources: Any) -> None:
        script = tmp_path / "pg_artery.pgtle.sql"
        script.write_text(build_extension.pgtle_script(sources))
        command = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dba, "-f", str(script))
        done = subprocess.run(command, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr

    return run


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def same(one: str, other: str) -> None:
    assert members(one) == members(other)
    assert snapshot(one) == snapshot(other)
    ours = [line for line in first_rights(one) if "pgtle" not in line]
    assert ours == first_rights(other)


def test_it_is_the_same(
    dba: str, register: Any, build_extension: Any, extension_database: str
) -> None:
    register(build_extension.read_sources())
    run(dba, "create extension pg_artery")
    same(dba, extension_database)


def test_it_is_updated_from_the_release_before(
    dba: str, register: Any, build_extension: Any, extension_database: str
) -> None:
    release, tree = previous_release.previous()
    register(build_extension.read_sources(tree, release.version))
    run(dba, "create extension pg_artery")
    register(build_extension.read_sources())
    run(dba, "alter extension pg_artery update")
    same(dba, extension_database)


def test_a_migrated_database_is_adopted(
    dba: str, register: Any, build_extension: Any, extension_database: str
) -> None:
    migrate(dba)
    register(build_extension.read_sources())
    run(dba, "create extension pg_artery version 'unpackaged'", "alter extension pg_artery update")
    same(dba, extension_database)
    later = build_extension.read_sources()
    later.releases[later.version] = max(later.migrations)
    object.__setattr__(later, "version", "99.0.0")
    register(later)
    run(dba, "alter extension pg_artery update")
    assert any(line.startswith("99.0.0 ") for line in members(dba))
