"""The traps of yoyo 9 and of reloading code, each as measured, each shut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest
from test_migrate import F1, TABLE, query, sqlstate_of, yes
from yoyo.backends import get_backend_class

from pg_artery.backend import Backend
from pg_artery.migrate import migrate, rollback, status


def test_the_driver_is_psycopg_3() -> None:
    assert issubclass(Backend, get_backend_class("postgresql+psycopg"))
    assert Backend.driver_module == "psycopg"


def test_code_is_loaded_also_when_no_migration_is_pending(empty: str, make_source) -> None:
    migrate(empty, source=make_source(TABLE, {}))
    result = migrate(empty, source=make_source(TABLE, {"functions/artery/f.sql": F1}))
    assert (result.applied, result.code) == ([], "loaded")


def test_code_that_failed_to_load_is_loaded_the_next_time(empty: str, make_source) -> None:
    broken = make_source(TABLE, {"functions/artery/f.sql": "select 1;\n\nselect nothing;"})
    error = sqlstate_of(migrate, empty, source=broken)
    assert error.sqlstate == "42703"
    assert "sql/functions/artery/f.sql, line 3" in error.message
    assert status(empty, source=broken).code == "not loaded"
    assert (
        migrate(empty, source=make_source(TABLE, {"functions/artery/f.sql": F1})).code == "loaded"
    )


def test_post_apply_hooks_are_refused(empty: str, make_source) -> None:
    source = make_source({"post-apply": ("select 1;", "")}, {})
    assert sqlstate_of(migrate, empty, source=source).sqlstate == "IN909"


@pytest.mark.parametrize(
    ("name", "text"),
    [("0002_a.sql", "-- transactional: false\nselect 1;"), ("0002_a.py", "steps = []")],
)
def test_what_cannot_commit_with_its_mark_is_refused(
    empty: str, make_source, name: str, text: str
) -> None:
    source = make_source({}, {})
    (source.migrations / name).write_text(text)
    (source.migrations / "0002_a.rollback.sql").write_text("select 1;")
    assert sqlstate_of(migrate, empty, source=source).sqlstate == "IN909"
    assert query(empty, "select from pg_namespace where nspname ~ '^artery'") == []


def test_a_migration_without_a_way_back_is_refused(empty: str, make_source) -> None:
    source = make_source(TABLE, {})
    (source.migrations / "0002_box.rollback.sql").unlink()
    assert sqlstate_of(migrate, empty, source=source).sqlstate == "IN909"


def test_an_edited_migration_is_noticed(empty: str, make_source) -> None:
    source = make_source(TABLE, {})
    migrate(empty, source=source)
    file = source.migrations / "0002_box.sql"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(empty, source=source).code == "unchanged", "line ends are no edit"
    file.write_text(file.read_text() + "-- edited\n")
    error = sqlstate_of(migrate, empty, source=source)
    assert (error.sqlstate, "0002_box" in (error.detail or "")) == ("IN901", True)
    assert status(empty, source=source).edited == ["0002_box"]
    assert rollback(empty, source=source).rolled_back == ["0002_box"], "the way out stays open"


def test_a_migration_of_a_newer_version_is_noticed(empty: str, make_source) -> None:
    migrate(empty, source=make_source(TABLE, {}))
    older = make_source({}, {})
    for action in (migrate, rollback):
        error = sqlstate_of(action, empty, source=older)
        assert (error.sqlstate, "0002_box" in (error.detail or "")) == ("IN903", True)
    assert status(empty, source=older).unknown == ["0002_box"]


def test_a_failed_migration_leaves_the_ones_before_it(empty: str, make_source) -> None:
    bad = {"0003_bad": ("create table artery.a (id int); select 1 / 0;", "drop table artery.a;")}
    source = make_source(TABLE | bad, {})
    error = sqlstate_of(migrate, empty, source=source)
    assert (error.sqlstate, "0003_bad" in error.message) == ("22012", True)
    assert status(empty, source=source).applied == ["0001_roles_and_schemas", "0002_box"]
    assert query(empty, "select to_regclass('artery.a')") == [(None,)]


def test_rows_that_a_migration_returns_are_not_printed(empty: str, make_source, capsys) -> None:
    migrate(empty, source=make_source({"0002_a": ("select 'noise';", "select 1;")}, {}))
    assert capsys.readouterr() == ("", "")


def test_a_migration_must_name_the_schema(empty: str, make_source) -> None:
    source = make_source({"0002_a": ("create table stray (id int);", "drop table stray;")}, {})
    assert sqlstate_of(migrate, empty, source=source).sqlstate == "3F000"


@pytest.mark.parametrize(
    ("before", "label"),
    [
        (F1.replace("p_a int", "p_a text"), "function artery.f(text)"),
        ("create view artery.v as select 1 as one;", "view artery.v"),
        (
            "create procedure artery.p() language sql as 'select 1';",
            "procedure artery.p()",
        ),
        (
            "create or replace function artery.t() returns trigger language plpgsql as "
            "'begin return new; end'; create trigger t before insert on artery.box "
            "for each row execute function artery.t();",
            "trigger t on artery.box",
        ),
    ],
    ids=["overload", "view", "procedure", "trigger"],
)
def test_what_the_code_no_longer_makes_must_be_dropped_by_a_migration(
    empty: str, make_source, before: str, label: str
) -> None:
    file = "functions/artery/f.sql"
    migrate(empty, source=make_source(TABLE, {file: before}))
    error = sqlstate_of(migrate, empty, source=make_source(TABLE, {file: F1}))
    assert error.sqlstate == "IN905"
    assert label in (error.detail or "")
    assert f"drop {label};" in (error.hint or "")
    drops = " ".join(f"drop {o};" for o in reversed((error.detail or "").split("; ")))
    mended = make_source(TABLE | {"0003_drop": (drops, "select 1;")}, {file: F1})
    assert migrate(empty, source=mended).code == "loaded"


def test_what_a_migration_made_is_no_orphan_and_outlives_the_code(empty: str, make_source) -> None:
    state = (
        F1 + " create table artery.box (id int check (artery.f(id) = 1));",
        "drop table artery.box; drop function artery.f(int);",
    )
    source = make_source({"0002_box": state}, {"functions/artery/f.sql": F1})
    migrate(empty, source=source)
    other = make_source({"0002_box": state}, {})
    assert migrate(empty, source=other).code == "loaded"
    assert rollback(empty, everything=True, source=source, confirm=yes).head is None


def test_bindings_partitions_and_the_users_own_schemas_are_no_orphans(empty: str) -> None:
    query(empty, "create schema artery_museum create view pictures as select 1 as one")
    migrate(empty)
    query(
        empty,
        """
        insert into artery.endpoint (name, base_url) values ('mes', 'http://localhost/v1');
        insert into artery.route (topic, endpoint_id, path_template)
        select 'mes.mo', e.id, '/mo' from artery.endpoint as e;
        create table public.job (id int primary key);
        select artery.bind_outbox(t, 'mes.mo', 'true', 'to_jsonb(new)')
        from unnest(array['public.job', 'artery.lane']::regclass[]) as t;
        update artery_install.code set checksum = '';
        """,
    )
    assert migrate(empty).code == "loaded"
    assert query(empty, "select count(*) from pg_trigger where tgname ~ '^artery_'")[0][0] >= 2


def test_bodies_are_checked_whatever_the_order_of_the_files(empty: str, make_source) -> None:
    late = {
        "functions/artery/a.sql": F1.replace("artery.f", "artery.a").replace(
            "'select 1'", "'select artery.f(1)'"
        ),
        "functions/artery/f.sql": F1,
    }
    assert migrate(empty, source=make_source({}, late)).code == "loaded"
    late["functions/artery/f.sql"] = F1.replace("artery.f", "artery.g")
    late = dict(late)
    with psycopg.connect(empty, autocommit=True) as conn:
        conn.execute("drop function artery.f(int)")
    error = sqlstate_of(migrate, empty, source=make_source({}, late))
    assert (error.sqlstate, "artery.a(integer)" in error.message) == ("42883", True)


def test_a_file_that_commits_is_refused(empty: str, make_source) -> None:
    source = make_source({}, {"functions/artery/f.sql": F1 + " commit; begin;"})
    error = sqlstate_of(migrate, empty, source=source)
    assert (error.sqlstate, "functions/artery/f.sql" in error.message) == ("IN908", True)


SLOW = """
import sys
from pathlib import Path
from pg_artery.migrate import Source, migrate
migrate(sys.argv[1], source=Source(Path(sys.argv[2]), Path(sys.argv[3])))
"""


def test_a_process_killed_in_mid_migration_blocks_nobody(empty: str, make_source) -> None:
    slow = {"0002_box": ("create table artery.box (id int); select pg_sleep(60);", "select 1;")}
    source = make_source(slow, {})
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, empty, str(source.migrations), str(source.sql)]
    )
    sleeping = "select pid from pg_stat_activity where query ~ '^select pg_sleep'"
    deadline = time.monotonic() + 30
    while not query(empty, sleeping) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert query(empty, sleeping)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    started = time.monotonic()
    quick = make_source(TABLE, {"functions/artery/f.sql": F1})
    assert migrate(empty, source=quick).applied == ["0002_box"]
    assert time.monotonic() - started < 20
