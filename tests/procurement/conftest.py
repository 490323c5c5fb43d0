"""One database with two suppliers for the tests of a module: they leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from supplier_world import World, build, remove


@pytest.fixture(scope="module")
def dsn(cluster, template, request) -> Iterator[str]:
    with cluster.database(f"{request.module.__name__}", template) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def conn(dsn) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def connect(dsn) -> Iterator[object]:
    opened: list[psycopg.Connection] = []

    def open_one(user: str) -> psycopg.Connection:
        opened.append(psycopg.connect(make_conninfo(dsn, user=user), autocommit=True))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture(scope="module")
def world(cluster, dsn, conn) -> Iterator[World]:
    tcp = conninfo_to_dict(cluster.dsn(conninfo_to_dict(dsn)["dbname"], tcp=True))
    built = build(conn, tcp.get("password"))
    yield built
    remove(conn, built)
