"""The release before this one, from the repository: its own runner, its own migrations and code."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pg_artery.cluster import Cluster
from pg_artery.migrate import Source
from pg_artery.releases import Release, releases
from pg_artery.resources import migrations_dir

ROOT = Path(__file__).parents[1]
FURNITURE = ROOT / "tests/web/furniture.sql"


@functools.cache
def previous() -> tuple[Release, Path]:
    """Give the newest release and its tree; skip the test where the repository has it not."""
    release = releases()[-1]
    archive = ("git", "-C", str(ROOT), "archive", release.commit, "runner", "migrations", "sql")
    try:
        done = subprocess.run(archive, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no git: the release before this one cannot be had")
    if done.returncode:
        pytest.skip(f"this copy of the repository lacks the commit of release {release.version}")
    tree = Path(tempfile.mkdtemp(prefix="previous"))
    atexit.register(shutil.rmtree, tree, ignore_errors=True)
    subprocess.run(("tar", "-x", "-C", tree), input=done.stdout, check=True)
    return release, tree


def environment() -> dict[str, str]:
    """Give what makes `python -m pg_artery` that release, with this environment's packages."""
    return {"PYTHONPATH": str(previous()[1] / "runner")}


def artery(*args: str) -> str:
    """Run a command of that release."""
    command = (sys.executable, "-m", "pg_artery", *args)
    done = subprocess.run(
        command, env={**os.environ, **environment()}, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bare(cluster: Cluster, once) -> str:
    """Give the name of a database, to clone, as that release installs it."""
    release, _ = previous()

    def fill(dsn: str) -> None:
        assert release.version in artery("--version")
        artery("migrate", "--dsn", dsn)

    return once(cluster, f"bare_{release.version}", fill)


def template(cluster: Cluster, once) -> str:
    """Give the name of a database of that release, to clone, with data; its endpoints are names."""
    return once(cluster, "furnished", furnish, bare(cluster, once))


def later(folder: Path) -> Source:
    """Give the package with two migrations more, one of them online: an upgrade to try."""
    shutil.copytree(migrations_dir(), folder / "migrations")
    for name, (up, down) in {
        "9001_note": (
            "set local role artery_owner;\n"
            "alter table artery.integration_task add column note text;\n"
            "comment on column artery.integration_task.note is 'What it is about';\n"
            "create table artery.note (id bigint primary key, at timestamptz default now());\n"
            "insert into artery.note (id) select generate_series(1, 3);\n",
            "drop table artery.note; alter table artery.integration_task drop column note;",
        ),
        "9002_note_at": (
            "-- transactional: false\n"
            "create index concurrently if not exists note_at on artery.note (at);\n"
            "create unique index concurrently if not exists note_at_id on artery.note (at, id);\n",
            "drop index if exists artery.note_at; drop index if exists artery.note_at_id;",
        ),
    }.items():
        (folder / f"migrations/{name}.sql").write_text(up)
        (folder / f"migrations/{name}.rollback.sql").write_text(down)
    return Source(folder / "migrations")


def furnish(dsn: str) -> None:
    """Put data into a database of that release."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "insert into artery.endpoint (name, base_url) values ('tax', 'http://127.0.0.1/v1')"
        )
        conn.execute(
            "insert into artery.route (topic, endpoint_id, path_template) "
            "select 'tax.invoice', id, '/issue' from artery.endpoint"
        )
        conn.execute("call artery.tick()")
        conn.execute(FURNITURE.read_bytes())


def psql(dsn: str, file: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a file in psql; the test is skipped where there is none."""
    if not shutil.which("psql"):
        pytest.skip("no psql on the path")
    command = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", str(file))
    return subprocess.run(
        command, text=True, capture_output=True, env={**os.environ, **environment}
    )


def contents(dsn: str) -> dict[str, list[dict[str, Any]]]:
    """Give every row of every table of ours that has any."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        names = conn.execute(
            "select c.oid::regclass::text from pg_class as c where c.relkind in ('r', 'p') and "
            "not c.relispartition and c.relnamespace::regnamespace::text ~ '^artery' "
            "and c.relnamespace::regnamespace::text <> 'artery_install'"
        ).fetchall()
        rows = {n: conn.execute(f"select to_jsonb(t) from {n} as t").fetchall() for (n,) in names}
    return {name: [row for (row,) in found] for name, found in rows.items() if found}


def lost(before: dict[str, list[dict[str, Any]]], dsn: str) -> list[str]:
    """Name the tables in which a row is gone or has another value in a column it had before."""
    after = contents(dsn)
    faults = []
    for name, rows in before.items():
        columns = rows[0].keys()

        def seen(row: dict[str, Any], columns: Iterable[str] = columns) -> str:
            return repr([row.get(column) for column in columns])

        if Counter(map(seen, rows)) - Counter(map(seen, after.get(name, []))):
            faults.append(name)
    return faults
