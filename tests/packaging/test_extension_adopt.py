"""A migrated database becomes one with the extension, or is left alone and told why."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from catalog_snapshot import snapshot
from members import first_rights, members

from pg_artery.cluster import Cluster
from pg_artery.errors import ArteryError
from pg_artery.migrate import migrate

ADOPT = ("create extension pg_artery version 'unpackaged'", "alter extension pg_artery update")


@pytest.fixture
def strangers(migrated: str) -> Iterator[None]:
    """A role with rights of its own, and a partner."""
    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("create role stranger; create role partner")
        conn.execute("grant execute on function artery.cancel_task(bigint, text) to stranger")
        conn.execute("select artery_staging.grant_partner('partner', 'artery_staging.plm_bom')")
        yield
        conn.execute("drop owned by stranger, partner; drop role stranger, partner")


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def refusal(dsn: str, statement: str) -> psycopg.Error:
    with psycopg.connect(dsn) as conn, pytest.raises(psycopg.Error) as refused:
        conn.execute(statement.encode())
    assert refused.value.diag.message_detail
    assert refused.value.diag.message_hint
    return refused.value


def test_it_is_what_create_extension_makes(
    migrated: str, extension_database: str, strangers: None, extension_cluster: Cluster
) -> None:
    before = snapshot(migrated)
    run(migrated, *ADOPT)
    assert snapshot(migrated) == before
    assert members(migrated) == members(extension_database)
    assert first_rights(migrated) == first_rights(extension_database)
    with psycopg.connect(migrated) as conn:
        assert conn.execute("select id from artery.endpoint").fetchone() == (1,)
        assert conn.execute("select to_regnamespace('artery_install')").fetchone() == (None,)
    with pytest.raises(ArteryError, match="as an extension"):
        migrate(migrated)
    dump = extension_cluster.run("pg_dump", "-s", "-d", migrated)
    assert "GRANT INSERT(message_id) ON TABLE artery_staging.plm_bom TO partner" in dump
    assert "p_reason text) TO stranger" in dump
    assert "TO artery_app" not in dump


@pytest.mark.one_server
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "delete from artery_install._yoyo_migration where migration_id = '0076_cloud_database'",
            "0076_cloud_database is pending",
        ),
        (
            "update artery_install.migration_file set checksum = 'x' "
            "where migration_id = '0003_outbox'",
            "0003_outbox was edited",
        ),
        (
            "insert into artery_install._yoyo_migration (migration_hash, migration_id) "
            "values ('h', '9999_later')",
            "9999_later is not known",
        ),
        ("update artery_install.code set checksum = 'x'", "those of another version"),
        ("update artery_install.code set loaded = false", "those of another version"),
        ("drop schema artery_install cascade", "nothing to adopt"),
    ],
)
def test_another_state_is_refused(migrated: str, change: str, says: str) -> None:
    run(migrated, change)
    before = snapshot(migrated)
    refused = refusal(migrated, ADOPT[0])
    assert refused.sqlstate == "IN912"
    assert says in (refused.diag.message_detail or "")
    assert snapshot(migrated) == before


@pytest.mark.one_server
def test_it_looks_again_when_it_adopts(migrated: str) -> None:
    run(migrated, ADOPT[0])
    with pytest.raises(ArteryError) as left_alone:
        migrate(migrated)
    assert left_alone.value.sqlstate == "IN902"
    run(migrated, "update artery_install.code set checksum = 'x'")
    assert refusal(migrated, ADOPT[1]).sqlstate == "IN912"
    run(migrated, "drop extension pg_artery")
    assert migrate(migrated).code == "loaded"


@pytest.mark.one_server
def test_an_empty_database_has_nothing_to_adopt(extension_empty: str) -> None:
    refused = refusal(extension_empty, ADOPT[0])
    assert refused.sqlstate == "IN912"
    assert "without a version" in (refused.diag.message_hint or "")


@pytest.mark.one_server
def test_what_the_site_put_there_stays_the_sites(migrated: str) -> None:
    run(
        migrated,
        "set role artery_owner; create table artery_erp.our_notes (note text); "
        "create view artery_erp.our_view as select 1 as one; "
        "create function artery_erp.our_function() returns integer language sql return 1",
        *ADOPT,
    )
    assert [line for line in members(migrated) if ".our_" in line] == []
    with psycopg.connect(migrated) as conn, pytest.raises(psycopg.Error) as kept:
        conn.execute("drop extension pg_artery")
    assert "our_notes" in (kept.value.diag.message_detail or "")


@pytest.mark.one_server
def test_who_may_not_mend_the_rights_is_told_them(migrated: str, strangers: None) -> None:
    """Only a superuser writes pg_init_privs."""
    told: list[tuple[str, str]] = []

    def note(said: psycopg.errors.Diagnostic) -> None:
        if said.severity_nonlocalized == "WARNING":
            told.append((said.message_detail or "", said.message_hint or ""))

    with psycopg.connect(migrated, autocommit=True) as conn:
        conn.execute("create role dba; grant artery_owner to dba")
        try:
            database = conn.info.dbname
            conn.execute(f"grant create on database {database} to dba".encode())
            conn.execute("set role dba")
            conn.add_notice_handler(note)
            for statement in ADOPT:
                conn.execute(statement.encode())
        finally:
            conn.execute("reset role; drop owned by dba cascade; drop role dba")
    [(detail, hint)] = told
    statements = detail.split("; ")
    assert "grant INSERT (message_id) on table artery_staging.plm_bom to partner" in statements
    assert any(s.startswith("grant EXECUTE on function artery.cancel_task(") for s in statements)
    assert any(s.startswith("grant USAGE on schema artery_staging to partner") for s in statements)
    assert "superuser" in hint
