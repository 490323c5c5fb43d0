"""`create extension pg_artery` makes what `artery migrate` makes, and works as it works."""

from __future__ import annotations

from catalog_snapshot import snapshot


def test_the_catalog_is_that_of_a_migrated_database(dsn: str, extension_database: str) -> None:
    migrated, created = snapshot(dsn), snapshot(extension_database)
    assert len(migrated) > 4000
    assert [line for line in migrated if line not in created] == []
    assert [line for line in created if line not in migrated] == []
