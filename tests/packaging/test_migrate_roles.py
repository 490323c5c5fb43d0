"""Installing without being superuser, as on managed PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from catalog_snapshot import snapshot
from test_migrate import query, sqlstate_of, yes

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate, rollback, status


@pytest.fixture(scope="module")
def fresh(server) -> Iterator[Cluster]:
    """A cluster where nothing of ours has ever been."""
    with Cluster(server, durable=False) as running:
        running.execute("create role poor login")
        running.execute("create role dba login createrole")
        for database in ("poor", "dba"):
            running.create_database(database)
        running.execute("alter database poor owner to poor")
        running.execute("alter database dba owner to dba")
        yield running


def test_who_may_not_create_roles_is_given_the_statements_and_they_suffice(fresh: Cluster) -> None:
    dsn = fresh.dsn("poor", "poor")
    error = sqlstate_of(migrate, dsn)
    assert error.sqlstate == "42501"
    assert "artery_owner, artery_reader" in (error.detail or "")
    assert query(dsn, "select count(*) from pg_namespace where nspname ~ '^artery'") == [(0,)]
    statements = (error.hint or "").split("run: ")[1].split("; and migrate again")[0]
    with psycopg.connect(fresh.dsn("poor"), autocommit=True) as admin:
        admin.execute(statements.encode())
    assert migrate(dsn).code == "loaded"
    assert status(dsn).up_to_date


def test_an_owner_with_createrole_needs_nobody(server) -> None:
    with Cluster(server, durable=False) as running:
        running.execute("create role dba login createrole")
        running.create_database("mine")
        running.execute("alter database mine owner to dba")
        dsn = running.dsn("mine", "dba")
        result = migrate(dsn)
        assert (result.code, result.notices) == ("loaded", [])
        before = snapshot(dsn)
        reference = running.create_database("reference")
        migrate(reference)
        assert snapshot(reference) == before, "the same as a superuser gets"
        rollback(dsn, everything=True, confirm=yes)
        migrate(dsn)
        assert snapshot(dsn) == before
        inherits = "select pg_has_role('artery_admin', 'artery_reader', 'usage')"
        assert query(dsn, inherits) == [(True,)]


def test_roles_of_another_database_are_used_and_the_missing_grant_named(fresh: Cluster) -> None:
    migrate(fresh.create_database("elsewhere"))
    fresh.execute("create role second login")
    fresh.execute("create database second owner second")
    error = sqlstate_of(migrate, fresh.dsn("second", "second"))
    assert "run: grant artery_owner to second; and" in (error.hint or "")
    fresh.execute("grant artery_owner to second")
    assert migrate(fresh.dsn("second", "second")).code == "loaded"


def test_who_may_not_create_schemas_is_told_so(fresh: Cluster) -> None:
    fresh.execute("create role guest login")
    migrate(fresh.create_database("more"))
    fresh.execute("grant artery_owner to guest")
    fresh.create_database("theirs")
    error = sqlstate_of(migrate, fresh.dsn("theirs", "guest"))
    assert (error.sqlstate, "owner of the database" in (error.hint or "")) == ("42501", True)
