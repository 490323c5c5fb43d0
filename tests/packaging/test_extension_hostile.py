"""An attacker who is there first gets nothing run and nothing adopted by create extension."""

from __future__ import annotations

import psycopg
import pytest
from catalog_snapshot import snapshot
from hostile import caught, lay_traps, mallory
from members import members

pytestmark = pytest.mark.one_server

SCHEMAS = (
    "artery", "artery_erp", "artery_staging", "artery_plm", "artery_mes", "artery_iot",
    "artery_tax", "artery_procurement", "artery_monitor", "artery_api_v1",
)  # fmt: skip


@pytest.mark.parametrize("path", ["public, pg_catalog", "pg_temp, public, pg_catalog"])
def test_objects_in_public_are_not_looked_at(
    extension_empty: str, extension_database: str, path: str
) -> None:
    with psycopg.connect(extension_empty, autocommit=True) as conn:
        with mallory(conn):
            lay_traps(conn, "public")
            conn.execute("reset session authorization")
            conn.execute(f"set search_path = {path}".encode())
            conn.execute("create extension pg_artery")
            assert conn.execute("show search_path").fetchone() == (path,)
            conn.execute("set search_path = pg_catalog")
            conn.execute("call artery.tick()")
            assert caught(conn, "public") == []
        assert snapshot(extension_empty) == snapshot(extension_database)
        assert members(extension_empty) == members(extension_database)


def test_nor_is_what_stands_in_pg_temp(extension_empty: str, extension_database: str) -> None:
    """A superuser who took up an attacker's temporary objects into his own session."""
    with psycopg.connect(extension_empty, autocommit=True) as conn:
        lay_traps(conn, "pg_temp")
        conn.execute("create extension pg_artery")
        assert caught(conn, "pg_temp") == []
        conn.execute("discard temp")
    assert snapshot(extension_empty) == snapshot(extension_database)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_that_was_there_is_refused(extension_empty: str, schema: str) -> None:
    with psycopg.connect(extension_empty, autocommit=True) as conn, mallory(conn, owner=True):
        conn.execute(f"create schema {schema}; grant all on schema {schema} to public".encode())
        conn.execute("reset session authorization")
        with pytest.raises(psycopg.errors.DuplicateSchema) as refused:
            conn.execute("create extension pg_artery")
        assert f"{schema} of mallory" in (refused.value.diag.message_detail or "")
        assert refused.value.diag.message_hint
        assert members(extension_empty) == []
        left = conn.execute("select nspname from pg_namespace where nspname ~ '^artery'").fetchall()
        assert left == [(schema,)]


def test_nor_does_an_adoption_look_at_them(migrated: str, extension_database: str) -> None:
    with psycopg.connect(migrated, autocommit=True) as conn:
        with mallory(conn):
            lay_traps(conn, "public")
            conn.execute("reset session authorization")
            lay_traps(conn, "pg_temp")
            conn.execute("set search_path = pg_temp, public, pg_catalog")
            conn.execute("create extension pg_artery version 'unpackaged'")
            conn.execute("alter extension pg_artery update")
            conn.execute("set search_path = pg_catalog")
            assert caught(conn, "public") == caught(conn, "pg_temp") == []
        conn.execute("discard temp")
    assert members(migrated) == members(extension_database)
