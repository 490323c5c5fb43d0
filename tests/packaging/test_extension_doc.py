"""The commands of docs/extension.md, a section after the other, each on a database it speaks of."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from catalog_snapshot import snapshot
from documents import Block, Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict

import previous_release
from pg_artery.cluster import Cluster
from pg_artery.servers import Server

ROOT = Path(__file__).parents[2]
BUILT_FROM = (
    "Makefile", "META.json", "pg_artery.control", "docs/extension.md", "migrations",
    "runner/pg_artery/__init__.py", "sql", "tests/installcheck", "tools",
)  # fmt: skip
SECTIONS = {
    title.strip(): text
    for part in (ROOT / "docs/extension.md").read_text().split("\n## ")[1:]
    for title, _, text in [part.partition("\n")]
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the extension is built from."""
    for name in BUILT_FROM:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    return tmp_path


@contextlib.contextmanager
def reader(dsn: str, directory: Path, server: Server) -> Iterator[Reader]:
    at = conninfo_to_dict(dsn)
    path = (server.bindir, Path(sys.executable).parent, os.environ["PATH"])
    env = {
        **os.environ,
        "PATH": ":".join(map(str, path)),
        "PGHOST": str(at["host"]),
        "PGPORT": str(at["port"]),
        "PGUSER": "postgres",
        "ARTERY_DSN": dsn,
    }
    reading = Reader(directory, env, str(at["dbname"]))
    yield reading
    reading.close()


def blocks(section: str) -> list[Block]:
    found = [b for b in read_blocks(SECTIONS[section]) if "not run" not in b.notes]
    assert found, section
    return found


def has_pgxs(server: Server) -> bool:
    command = (server.bindir / "pg_config", "--pgxs")
    if not command[0].exists():
        return False
    pgxs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return Path(pgxs).is_file()


def test_it_is_built_installed_and_checked(
    extension_empty: str, server: Server, tree: Path, extension_database: str
) -> None:
    if not has_pgxs(server):
        pytest.skip(f"no pgxs for PostgreSQL {server.major}: make install is not tested on it")
    with reader(extension_empty, tree, server) as reading:
        for block in blocks("Install"):
            block.text = block.text.replace("/usr/lib/postgresql/15/bin", str(server.bindir))
            # into a folder; the servers of these tests have it already
            block.text = block.text.replace("install PG", f"install DESTDIR={tree}/root PG")
            reading.follow(block)
    installed = {path.name for path in (tree / "root").rglob("pg_artery*") if path.is_file()}
    version = (tree / "build/extension/pg_artery.control").read_text().split("'")[3]
    assert {
        "pg_artery.control",
        f"pg_artery--{version}.sql",
        f"pg_artery--unpackaged--{version}.sql",
    } < installed
    assert (tree / "build/pg_artery.pgtle.sql").is_file()
    assert snapshot(extension_empty) == snapshot(extension_database)


@pytest.mark.one_server
def test_it_is_updated(extension_cluster: Cluster, server: Server, tmp_path: Path) -> None:
    release, _ = previous_release.previous()
    for before, block in enumerate(blocks("Update")):
        with extension_cluster.database("erp_to_update") as dsn:
            with psycopg.connect(dsn) as conn:
                conn.execute(f"create extension pg_artery version '{release.version}'".encode())
            with reader(dsn, tmp_path, server) as reading:
                reading.follow(block)
            with psycopg.connect(dsn) as conn:
                [version] = conn.execute(
                    "select extversion from pg_extension where extname = 'pg_artery'"
                ).fetchone() or ["none"]
        assert version != release.version, before


@pytest.mark.one_server
def test_it_is_adopted_and_removed(
    migrated: str, server: Server, tmp_path: Path, extension_database: str
) -> None:
    with reader(migrated, tmp_path, server) as reading:
        for block in blocks("Adopt what artery migrate installed"):
            reading.follow(block)
        assert snapshot(migrated) == snapshot(extension_database)
        for block in blocks("Remove"):
            reading.follow(block)
    with psycopg.connect(migrated) as conn:
        assert conn.execute("select from pg_namespace where nspname ~ '^artery'").rowcount == 0
