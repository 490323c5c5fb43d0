"""`alter extension pg_artery update` from the release before is this version, with all it had."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from catalog_snapshot import snapshot
from members import first_rights, members

import previous_release
from pg_artery.cluster import Cluster


@pytest.fixture
def old(extension_cluster: Cluster) -> Iterator[str]:
    released, _ = previous_release.previous()
    with extension_cluster.database("of_the_release_before") as dsn:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(f"create extension pg_artery version '{released.version}'".encode())
        yield dsn


def test_an_update_is_a_fresh_install_with_all_data_and_rights(
    old: str, extension_database: str, extension_cluster: Cluster
) -> None:
    previous_release.furnish(old)
    rows = previous_release.contents(old)
    assert len(rows) > 20
    with psycopg.connect(old, autocommit=True) as conn:
        conn.execute("create role of_site")
        conn.execute("grant execute on function artery.retry_task(bigint, text) to of_site")
        conn.execute("grant select on artery.integration_task to of_site")
        try:
            conn.execute("alter extension pg_artery update")
            assert previous_release.lost(rows, old) == []
            dump = extension_cluster.run("pg_dump", "-s", "-d", old)
            assert "p_reason text) TO of_site" in dump
            assert "GRANT SELECT ON TABLE artery.integration_task TO of_site" in dump
            conn.execute("drop owned by of_site")
        finally:
            conn.execute("drop role of_site")
        assert snapshot(old) == snapshot(extension_database)
        assert members(old) == members(extension_database)
        assert first_rights(old) == first_rights(extension_database)
        conn.execute("call artery.tick()")


@pytest.mark.one_server
def test_an_update_that_fails_changes_nothing(old: str) -> None:
    before = snapshot(old), members(old), first_rights(old)
    with psycopg.connect(old, autocommit=True) as conn:
        # a view of the site's that the new code cannot do with
        conn.execute("alter view artery_monitor.runner_status rename to runners")
        conn.execute("create view artery_monitor.runner_status as select 1 as host")
        with pytest.raises(psycopg.Error):
            conn.execute("alter extension pg_artery update")
        conn.execute("drop view artery_monitor.runner_status")
        conn.execute("alter view artery_monitor.runners rename to runner_status")
    assert (snapshot(old), members(old), first_rights(old)) == before
