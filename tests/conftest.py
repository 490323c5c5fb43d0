"""Fixtures on real PostgreSQL servers.

Every test that asks for one of these runs once per server that this machine has (the system's
PostgreSQL and the wheel's, and what --pg names of build/postgresql, see tools/versions.py); mark it
`one_server` where the second run would teach nothing.

    server       the PostgreSQL in use                        (session)
    cluster      a throwaway cluster, not durable, shared      (session)
    template     name of a migrated database, to clone         (session)
    dsn          connection string of a fresh migrated database
    conn         a superuser's connection to it, autocommit
    connect      more connections to it: connect(user="some_role")
    own_cluster  a durable cluster of the test's own, for crashes and restarts
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlparse
from psycopg.conninfo import make_conninfo

from pg_artery.cluster import Cluster
from pg_artery.servers import Server, find_servers
from ran_where import pytest_itemcollected, pytest_terminal_summary

Connect = Callable[..., psycopg.Connection]
Once = Callable[..., str]

_numbers = itertools.count(1)
__all__ = ["pytest_itemcollected", "pytest_terminal_summary"]

# yoyo takes every migration apart whenever it reads them, a second of CPU: once a text will do
_split = functools.cache(sqlparse.split)
sqlparse.split = lambda text: list(_split(text))

os.environ.setdefault("ARTERY_PG_VERSIONS", str(Path(__file__).parents[1] / "build/postgresql"))

#: Run on the first server alone, unless in the long form: minutes each, and about files and the
#: command line, or about SQL that pgTAP runs on every server
ONE_SERVER_SHORT = frozenset(
    f"test_{name}.py"
    for name in (
        "adventureworks", "authentication_doc", "b2mml", "bom_graphs", "bom_import", "demo",
        "json_schema", "migrate_roles", "migrate_traps", "release_mo", "vault",
    )
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pg",
        default="system,embedded",
        help="servers to test on: system, embedded (default: both, where found), npm-16, …",
    )
    parser.addoption("--long", action="store_true", help="the long form of tests that have one")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "one_server: run on the first server only")


def _chosen(config: pytest.Config) -> dict[str, Server]:
    wanted = config.getoption("--pg").split(",")
    return {kind: server for kind, server in find_servers().items() if kind in wanted}


def pytest_report_header(config: pytest.Config) -> list[str]:
    servers = _chosen(config)
    lines = []
    for kind in config.getoption("--pg").split(","):
        server = servers.get(kind)
        if server is None:
            lines.append(f"PostgreSQL, {kind}: not found, nothing is tested on it")
            continue
        lines.append(f"PostgreSQL, {kind}: {server.version} in {server.bindir}")
        lines += [f"  off: {sentence}" for sentence in server.missing()]
    return lines


def _alone(item: pytest.Item) -> bool:
    """Tell whether a test runs on the first server only."""
    short = not item.config.getoption("--long")
    listed = short and item.path.name in ONE_SERVER_SHORT
    return listed or item.get_closest_marker("one_server") is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the summary say which servers a test is not repeated on."""
    others = [server.label for server in list(_chosen(config).values())[1:]]
    for item in items:
        if "server" in getattr(item, "fixturenames", ()) and _alone(item):
            item.user_properties += [("alone", label) for label in others]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" not in metafunc.fixturenames:
        return
    servers = list(_chosen(metafunc.config).values())
    if not servers:
        pytest.exit("no PostgreSQL 15 to 18 found: `make test` installs one", returncode=1)
    if _alone(metafunc.definition):
        servers = servers[:1]
    metafunc.parametrize(
        "server", servers, ids=[server.label for server in servers], indirect=True, scope="session"
    )


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    return request.param


@pytest.fixture(scope="session")
def clusters() -> Iterator[Callable[[Server], Cluster]]:
    """Give each server's shared cluster; all stay up to the end, however often tests switch."""
    # the runbook speaks of prepared transactions
    settings = {"max_prepared_transactions": "4"}
    with contextlib.ExitStack() as running:
        yield functools.cache(
            lambda server: running.enter_context(Cluster(server, durable=False, settings=settings))
        )


@pytest.fixture(scope="session")
def cluster(server: Server, clusters: Callable[[Server], Cluster]) -> Cluster:
    return clusters(server)


@pytest.fixture(scope="session")
def once() -> Once:
    """Make and fill a database the first time that it is asked for; gives its name."""
    made: set[tuple[Cluster, str]] = set()

    def make(
        cluster: Cluster, name: str, fill: Callable[[str], object], template: str | None = None
    ) -> str:
        if (cluster, name) not in made:
            fill(cluster.create_database(name, template))
            made.add((cluster, name))
        return name

    return make


@pytest.fixture(scope="session")
def template(cluster: Cluster, once: Once) -> str:
    from pg_artery.migrate import migrate

    return once(cluster, "artery_template", migrate)


@pytest.fixture
def dsn(cluster: Cluster, template: str) -> Iterator[str]:
    with cluster.database(f"t{next(_numbers)}", template) as fresh:
        yield fresh


@pytest.fixture
def connect(dsn: str) -> Iterator[Connect]:
    opened: list[psycopg.Connection] = []

    def open_one(user: str = "postgres", *, autocommit: bool = True) -> psycopg.Connection:
        opened.append(psycopg.connect(make_conninfo(dsn, user=user), autocommit=autocommit))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def conn(connect: Connect) -> psycopg.Connection:
    return connect()


@pytest.fixture
def own_cluster(server: Server) -> Iterator[Cluster]:
    with Cluster(server) as running:
        yield running
