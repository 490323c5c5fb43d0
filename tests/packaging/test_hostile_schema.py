"""What a caller has put into pg_temp or public never runs with the rights of ours."""

from __future__ import annotations

import psycopg
import pytest
from hostile import TYPES


@pytest.fixture(params=["migrated", "extension"])
def conn(request: pytest.FixtureRequest, dsn: str, extension_database: str):
    """A superuser's connection to a migrated database, and to one with the extension."""
    chosen = dsn if request.param == "migrated" else extension_database
    with psycopg.connect(chosen, autocommit=True) as opened:
        yield opened


def test_types_and_tables_of_the_caller_are_never_ours(conn: psycopg.Connection) -> None:
    """pg_temp comes first for types and tables unless it is named last in the search_path."""
    conn.execute("create role mallory; grant artery_app to mallory")
    try:
        conn.execute(
            "insert into artery.endpoint (name, base_url) values ('e', 'http://127.0.0.1:9/v1')"
        )
        conn.execute(
            "insert into artery.route (topic, endpoint_id, path_template) "
            "select 't', e.id, '/x' from artery.endpoint as e"
        )
        conn.execute("set session authorization mallory")
        conn.execute("create temp table caught (who text)")
        conn.execute("grant insert on caught to public")
        conn.execute(
            "create function pg_temp.evil(p anyelement) returns boolean language plpgsql as "
            "$$begin insert into pg_temp.caught values (current_user); return true; end$$"
        )
        for name in TYPES:
            conn.execute(
                f"create domain pg_temp.{name} as pg_catalog.{name} check (pg_temp.evil(value))"
            )
        conn.execute("create temp table integration_task (id int)")
        task = conn.execute(
            "select artery.enqueue_task('t', '{\"a\": 1}'::pg_catalog.jsonb, "
            "p_document_id => 'D'::pg_catalog.text)"
        ).fetchone()
        assert task
        conn.execute("select artery_api_v1.production_report('{}'::pg_catalog.jsonb)")
        assert conn.execute("select count(*) from caught where who <> 'mallory'").fetchone() == (0,)
    finally:
        conn.execute("reset session authorization")
        conn.execute("drop owned by mallory; drop role mallory")
