"""Where pg_artery is an extension, the commands do what they do elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from catalog_snapshot import snapshot
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo
from pytest_httpserver import HTTPServer

from pg_artery import __version__
from pg_artery.cli import main

pytestmark = pytest.mark.one_server

RUN = (sys.executable, "-m", "pg_artery", "run", "--dsn")


@pytest.fixture
def daemon() -> Iterator[Callable[[str], str]]:
    """Make a role for runners in a database; gives the connection string that they use."""
    made: list[str] = []

    def make(dsn: str) -> str:
        with psycopg.connect(dsn) as conn:
            conn.execute("create role daemon login; grant artery_runner to daemon")
        made.append(dsn)
        return make_conninfo(dsn, user="daemon")

    yield make
    for dsn in made:
        with psycopg.connect(dsn) as conn:
            conn.execute("drop owned by daemon; drop role daemon")


def route(conn: psycopg.Connection, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/do", method="POST").respond_with_json({"done": True})
    conn.execute(
        "with e as (insert into artery.endpoint (name, base_url) values ('there', %s) "
        "returning id) insert into artery.route (topic, endpoint_id, path_template) "
        "select 't', id, '/do' from e",
        (httpserver.url_for("/v1"),),
    )


def enqueue(conn: psycopg.Connection, first: int, last: int) -> None:
    conn.execute(
        "select artery.enqueue_task('t', jsonb_build_object('n', n)) "
        "from generate_series(%s::integer, %s) as n",
        (first, last),
    )


def received(httpserver: HTTPServer) -> list[int]:
    return sorted(json.loads(request.data)["n"] for request, _ in httpserver.log)


def test_a_runner_delivers_what_was_committed(
    extension_database: str, daemon: Callable[[str], str], httpserver: HTTPServer
) -> None:
    with psycopg.connect(extension_database, autocommit=True) as conn:
        route(conn, httpserver)
        enqueue(conn, 1, 50)
        command = (*RUN, daemon(extension_database), "--until-empty")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        sent = conn.execute(
            "select status, count(*), sum((status_code = 200)::integer) "
            "from artery.integration_task group by status"
        ).fetchall()
        assert sent == [("sent", 50, 50)]
        assert conn.execute("select * from artery_monitor.verify()").fetchall() == []
    assert received(httpserver) == list(range(1, 51))


def test_a_runner_goes_on_while_its_database_is_adopted(
    migrated: str, daemon: Callable[[str], str], httpserver: HTTPServer, tmp_path: Path
) -> None:
    with psycopg.connect(migrated, autocommit=True) as conn, (tmp_path / "log").open("wb") as log:
        route(conn, httpserver)
        runner = subprocess.Popen((*RUN, daemon(migrated)), stdout=log, stderr=log)
        try:
            enqueue(conn, 1, 100)
            conn.execute("create extension pg_artery version 'unpackaged'")
            conn.execute("alter extension pg_artery update")
            enqueue(conn, 101, 200)
            deadline = time.monotonic() + 60
            while conn.execute(
                "select from artery.integration_task where status <> 'sent'"
            ).fetchall():
                assert runner.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            runner.terminate()
            runner.wait(30)
        assert runner.returncode == 0, (tmp_path / "log").read_text()
        assert conn.execute("select * from artery_monitor.verify()").fetchall() == []
    assert received(httpserver) == list(range(1, 201)), "once each"


@pytest.mark.parametrize(
    ("command", "shows"), [("status", ""), ("verify", "All invariants hold."), ("doctor", "")]
)
def test_commands_that_look(extension_database: str, command: str, shows: str) -> None:
    result = CliRunner().invoke(main, [command, "--dsn", extension_database])
    assert result.exit_code in (0, 1), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert shows in result.output


@pytest.mark.parametrize(
    ("version", "state", "says"),
    [(__version__, "ok", "as an extension"), ("0.0.9", "critical", "as an extension; this is")],
)
def test_the_doctor_names_the_version(
    extension_database: str, version: str, state: str, says: str
) -> None:
    with psycopg.connect(extension_database) as conn:
        conn.execute(
            "update pg_extension set extversion = %s where extname = 'pg_artery'", (version,)
        )
    result = CliRunner().invoke(main, ["doctor", "--json", "--dsn", extension_database])
    [line] = [c for c in json.loads(result.stdout)["checks"] if c["subject"] == "schema"]
    assert line["state"] == state
    assert f"version {version}, {says}" in line["found"]
    assert (state == "ok") == (line["mend"] is None)


def test_code_of_the_site_outlives_a_refused_drop(extension_database: str) -> None:
    with psycopg.connect(extension_database, autocommit=True) as conn:
        conn.execute("create table public.orders (id text primary key, status text)")
        conn.execute("insert into artery.endpoint (name, base_url) values ('e', 'https://e/v1')")
        conn.execute(
            "insert into artery.route (topic, endpoint_id, path_template) "
            "select 't', id, '/do' from artery.endpoint"
        )
        conn.execute(
            "select artery.bind_outbox('public.orders', 't', $$new.status = 'approved'$$, "
            "$$jsonb_build_object('id', new.id)$$)"
        )
        before = snapshot(extension_database)
        with pytest.raises(psycopg.errors.DependentObjectsStillExist) as kept:
            conn.execute("drop extension pg_artery")
        assert "orders" in (kept.value.diag.message_detail or "")
        assert snapshot(extension_database) == before
        conn.execute("select artery.unbind_outbox('public.orders', 't')")
        conn.execute("drop extension pg_artery")
        left = conn.execute("select from pg_namespace where nspname ~ '^artery'").fetchall()
        assert left == []
        assert conn.execute("select count(*) from public.orders").fetchone() == (0,)
