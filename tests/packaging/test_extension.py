"""`create extension pg_artery` makes what `artery migrate` makes; each keeps out of the other's."""

from __future__ import annotations

import re

import psycopg
import pytest
from catalog_snapshot import snapshot

from pg_artery.errors import ArteryError
from pg_artery.migrate import migrate, rollback, status

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.+\d]*"
TABLES = r"""
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where (n.nspname = 'artery' or n.nspname like 'artery\_%') and c.relkind in ('r', 'p', 'S')
"""


def test_the_catalog_is_that_of_a_migrated_database(dsn: str, extension_database: str) -> None:
    migrated, created = snapshot(dsn), snapshot(extension_database)
    assert len(migrated) > 4000
    assert [line for line in migrated if line not in created] == []
    assert [line for line in created if line not in migrated] == []


def test_so_are_the_rows_it_begins_with(dsn: str, extension_database: str) -> None:
    assert len(begun_with(dsn)) > 100
    assert begun_with(dsn) == begun_with(extension_database)


def begun_with(dsn: str) -> list[str]:
    """Give all rows of our tables as text, without what says when."""
    with psycopg.connect(dsn) as conn:
        tables = conn.execute(f"select c.oid::regclass::text {TABLES} and c.relkind = 'r'")
        return sorted(
            f"{table} {re.sub(TIME, 'then', row)}"
            for (table,) in tables.fetchall()
            for (row,) in conn.execute(f"select t::text from {table} as t".encode())
            # whom it is bound to is another's in each database
            if not table.startswith(("artery_install.", "artery.arming"))
        )


def test_every_table_and_sequence_is_dumped(extension_database: str) -> None:
    with psycopg.connect(extension_database) as conn:
        forgotten = conn.execute(
            f"select c.oid::regclass::text {TABLES} except select t.oid::regclass::text "
            "from pg_extension as e, unnest(e.extconfig) as t (oid) where e.extname = 'pg_artery'"
        ).fetchall()
    assert forgotten == []


@pytest.mark.parametrize("command", [migrate, rollback, status])
def test_the_command_refuses_an_extension(command, extension_database: str) -> None:
    before = snapshot(extension_database)
    with pytest.raises(ArteryError) as refused:
        command(extension_database)
    assert refused.value.sqlstate == "IN902"
    assert "alter extension pg_artery update" in (refused.value.hint or "")
    assert snapshot(extension_database) == before


def test_the_extension_refuses_a_migrated_database(migrated: str) -> None:
    before = snapshot(migrated)
    with psycopg.connect(migrated) as conn, pytest.raises(psycopg.Error) as refused:
        conn.execute("create extension pg_artery")
    assert refused.value.sqlstate == "IN913"
    assert refused.value.diag.message_detail
    assert "version 'unpackaged'" in (refused.value.diag.message_hint or "")
    assert snapshot(migrated) == before


def test_a_role_of_the_session_comes_back(extension_empty: str) -> None:
    with psycopg.connect(extension_empty) as conn:
        path = conn.execute("show search_path").fetchone()
        conn.execute("create extension pg_artery")
        assert conn.execute("select current_user").fetchone() == ("postgres",)
        assert conn.execute("show search_path").fetchone() == path
