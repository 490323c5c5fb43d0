from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from extension_server import server_with
from psycopg import sql

import previous_release
from pg_artery.cluster import Cluster
from pg_artery.migrate import Source, migrate
from pg_artery.resources import migrations_dir
from pg_artery.servers import Server

MakeSource = Callable[..., Source]

_numbers = itertools.count(1)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """Connection string of an empty database."""
    with cluster.database(f"empty{next(_numbers)}") as dsn:
        yield dsn


@pytest.fixture
def own_dump(server: Server) -> None:
    """Skip where pg_dump is a newer server's: its dump sets what an older server does not know."""
    if not (server.bindir / "pg_dump").exists():
        pytest.skip(f"{server.label} has no pg_dump of its own")


@pytest.fixture
def short_directory() -> Iterator[Path]:
    # pytest's own are too long for a socket; PostgreSQL's user has to get through it
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Make a small package: our first migration, then migrations and code that the test gives.

    make_source({"0002_a": ("create …", "drop …")}, {"functions/artery/f.sql": "create …"})
    """
    numbers = itertools.count(1)

    def make(migrations: dict[str, tuple[str, str]], code: dict[str, str]) -> Source:
        root = tmp_path / f"source{next(numbers)}"
        (root / "migrations").mkdir(parents=True)
        for file in migrations_dir().glob("0001_*"):
            shutil.copy(file, root / "migrations")
        for name, (up, down) in migrations.items():
            up = f"set local role artery_owner;\n{up}\n"
            (root / "migrations" / f"{name}.sql").write_text(up)
            (root / "migrations" / f"{name}.rollback.sql").write_text(down)
        for path, text in code.items():
            file = root / "sql" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (root / "sql").mkdir(exist_ok=True)
        (root / "sql" / "manifest.txt").write_text("# order\n" + "\n".join(code))
        return Source(root / "migrations", root / "sql")

    return make


@pytest.fixture(scope="session")
def build_extension() -> Any:
    """The module tools/build_extension.py."""
    tool = Path(__file__).parents[2] / "tools/build_extension.py"
    spec = importlib.util.spec_from_file_location("build_extension", tool)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def extension_files(build_extension: Any) -> Iterator[Path]:
    """The folder that the extension is built into, and that of the release before beside it."""
    root = Path(tempfile.mkdtemp(dir="/tmp"))
    root.chmod(0o755)
    build_extension.build(root / "extension", build_extension.read_sources())
    with contextlib.suppress(pytest.skip.Exception):  # without the history; its tests say so
        release, tree = previous_release.previous()
        sources = build_extension.read_sources(tree, release.version)
        assert list(sources.migrations)[-1] == release.last_migration
        script = root / f"extension/pg_artery--{release.version}.sql"
        script.write_text(build_extension.install_script(sources))
    yield root / "extension"
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def extension_clusters(extension_files: Path, clusters) -> Iterator[Callable[[Server], Cluster]]:
    """Give each server a shared cluster that finds the extension."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def start(server: Server) -> Cluster:
            if server.major >= 18:
                cluster = clusters(server)
                path = sql.Literal(f"$system:{extension_files.parent}")
                change = sql.SQL("alter system set extension_control_path = {}")
                cluster.execute(change.format(path))
                cluster.execute("select pg_reload_conf()")
                return cluster
            root = Path(running.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
            root.chmod(0o755)
            copy = server_with(server, extension_files, root)
            return running.enter_context(Cluster(copy, durable=False, cron_database=None))

        yield start


@pytest.fixture(scope="session")
def extension_cluster(server: Server, extension_clusters: Callable[[Server], Cluster]) -> Cluster:
    return extension_clusters(server)


@pytest.fixture(scope="session")
def extension_template(extension_cluster: Cluster, once: Callable[..., str]) -> str:
    def fill(dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("create extension pg_artery")

    return once(extension_cluster, "extension_template", fill)


@pytest.fixture
def extension_database(extension_cluster: Cluster, extension_template: str) -> Iterator[str]:
    """Connection string of a fresh database with pg_artery by `create extension`."""
    with extension_cluster.database(f"x{next(_numbers)}", extension_template) as dsn:
        yield dsn


@pytest.fixture
def extension_empty(extension_cluster: Cluster) -> Iterator[str]:
    """Connection string of an empty database on a server that finds the extension."""
    with extension_cluster.database(f"x{next(_numbers)}") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def migrated_template(extension_cluster: Cluster, once: Callable[..., str]) -> str:
    def fill(dsn: str) -> None:
        migrate(dsn)
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("call artery.tick()")
            conn.execute("insert into artery.endpoint (name, base_url) values ('e', 'http://e/v1')")

    return once(extension_cluster, "migrated_to_adopt", fill)


@pytest.fixture
def migrated(extension_cluster: Cluster, migrated_template: str) -> Iterator[str]:
    """Connection string of a migrated database on a server that finds the extension."""
    with extension_cluster.database(f"x{next(_numbers)}", migrated_template) as dsn:
        yield dsn
