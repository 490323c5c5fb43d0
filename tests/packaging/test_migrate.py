"""`artery migrate`: what it leaves, what a second run finds, what a rollback takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from catalog_snapshot import snapshot

from pg_artery.backend import load_migrations
from pg_artery.errors import ArteryError
from pg_artery.losses import Loss
from pg_artery.migrate import migrate, rollback, status
from pg_artery.releases import releases
from pg_artery.resources import migrations_dir

ARTERY = str(Path(sys.executable).with_name("artery"))
TABLE = {"0002_box": ("create table artery.box (id int primary key);", "drop table artery.box;")}
F1 = (
    "create or replace function artery.f(p_a int) returns int language sql immutable as 'select 1';"
)
F2 = F1.replace("select 1", "select 2")


def yes(_: list[Loss]) -> bool:
    return True


def sqlstate_of(action, *args, **kwargs) -> ArteryError:
    with pytest.raises(ArteryError) as caught:
        action(*args, **kwargs)
    assert caught.value.hint, "every error says what to do"
    return caught.value


def artery(dsn: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ARTERY, *args], env={**os.environ, "ARTERY_DSN": dsn}, text=True, capture_output=True
    )


def query(dsn: str, statement: str) -> list[tuple]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        cursor = conn.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_second_run_changes_nothing(empty: str) -> None:
    first = migrate(empty)
    assert first.applied[0].startswith("0001")
    assert first.code == "loaded"
    before = snapshot(empty)
    second = migrate(empty)
    assert (second.applied, second.code) == ([], "unchanged")
    assert snapshot(empty) == before
    assert status(empty).up_to_date


def test_loading_the_code_twice_leaves_the_same_catalog(empty: str) -> None:
    migrate(empty)
    before = snapshot(empty)
    query(empty, "update artery_install.code set checksum = 'another'")
    assert status(empty).code == "differs"
    assert migrate(empty).code == "loaded"
    assert snapshot(empty) == before


def test_up_down_up_gives_the_same_catalog(empty: str) -> None:
    nothing = snapshot(empty)
    migrate(empty)
    before = snapshot(empty)
    result = rollback(empty, everything=True, confirm=yes)
    assert result.head is None
    assert snapshot(empty) == nothing
    assert query(empty, "select from pg_namespace where nspname ~ '^artery'") == []
    migrate(empty)
    assert snapshot(empty) == before


def test_each_migration_goes_back_to_the_catalog_before_it(empty: str, pytestconfig) -> None:
    """Those that are released never change again, nor do their ways back: in the long form."""
    names = [m.id for m in load_migrations(migrations_dir())]
    if not pytestconfig.getoption("--long"):
        names = names[names.index(releases()[-1].last_migration) :]
    states = []
    for name in names:
        migrate(empty, target=name)
        states.append(snapshot(empty))
    for name, before in reversed(list(zip(names[1:], states[:-1], strict=True))):
        assert rollback(empty, confirm=yes).rolled_back == [name]
        assert snapshot(empty) == before, f"{name}.rollback.sql does not undo all of {name}.sql"


def test_public_and_the_users_own_yoyo_are_left_alone(empty: str) -> None:
    query(
        empty,
        "create table public._yoyo_migration (migration_hash text); "
        "create table public.yoyo_lock (locked int primary key, ctime timestamp, pid int); "
        "insert into public.yoyo_lock values (1, now(), 1)",
    )
    migrate(empty)
    tables = query(empty, "select tablename from pg_tables where schemaname = 'public' order by 1")
    assert tables == [("_yoyo_migration",), ("yoyo_lock",)]
    rollback(empty, everything=True, confirm=yes)
    assert query(empty, "select count(*) from public.yoyo_lock") == [(1,)]


def test_code_changed_by_hand_is_noticed_and_mended(empty: str, make_source) -> None:
    source = make_source(TABLE, {"functions/artery/f.sql": F1})
    migrate(empty, source=source)
    query(empty, F2)
    assert status(empty, source=source).code == "changed in the database"
    assert migrate(empty, source=source).code == "loaded"
    assert query(empty, "select artery.f(0)") == [(1,)]


def test_a_rollback_brings_back_the_code_of_that_state(empty: str, make_source) -> None:
    old = make_source({}, {"functions/artery/f.sql": F1})
    new = make_source(TABLE, {"functions/artery/f.sql": F2})
    migrate(empty, source=old)
    before = snapshot(empty)
    migrate(empty, source=new)
    assert query(empty, "select artery.f(0)") == [(2,)]
    result = rollback(empty, source=new)
    assert (result.rolled_back, result.code) == (["0002_box"], "loaded")
    assert query(empty, "select artery.f(0)") == [(1,)]
    assert snapshot(empty) == before


def test_a_rollback_to_a_state_never_loaded_leaves_no_code(empty: str, make_source) -> None:
    source = make_source(TABLE, {"functions/artery/f.sql": F1})
    migrate(empty, source=source)
    assert rollback(empty, to="0001_roles_and_schemas", source=source).code == "none"
    assert query(empty, "select to_regproc('artery.f')") == [(None,)]
    assert status(empty, source=source).code == "not loaded"
    assert migrate(empty, source=source).applied == ["0002_box"]


def test_a_rollback_that_would_lose_rows_is_refused_and_names_them(empty: str, make_source) -> None:
    column = {
        "0003_colour": (
            "alter table artery.box add column colour text;",
            "alter table artery.box drop column colour;",
        )
    }
    source = make_source(TABLE | column, {})
    migrate(empty, source=source)
    query(empty, "insert into artery.box values (1, 'red'), (2, null)")
    before = snapshot(empty)
    error = sqlstate_of(rollback, empty, source=source)
    assert error.sqlstate == "IN906"
    assert error.detail == "artery.box.colour: 1 rows"
    error = sqlstate_of(rollback, empty, everything=True, source=source)
    assert error.detail == "artery.box: 2 rows"
    assert snapshot(empty) == before
    assert query(empty, "select count(*) from artery.box") == [(2,)]
    assert rollback(empty, source=source, confirm=yes).rolled_back == ["0003_colour"]


def test_a_rollback_takes_nothing_of_the_users(empty: str, make_source) -> None:
    source = make_source(TABLE, {"functions/artery/f.sql": F1})
    migrate(empty, source=source)
    query(empty, "create view public.mine as select artery.f(1)")
    before = snapshot(empty)
    error = sqlstate_of(rollback, empty, everything=True, source=source)
    assert error.sqlstate == "2BP01"
    assert "view public.mine" in (error.detail or "")
    assert snapshot(empty) == before


def test_two_at_once_the_second_waits_and_finds_nothing_to_do(empty: str) -> None:
    said: list[list[str]] = [[], []]
    results = [None, None]

    def run(number: int) -> None:
        results[number] = migrate(empty, say=said[number].append)

    with psycopg.connect(empty) as holder:  # so that both meet at the lock
        holder.execute("select pg_advisory_lock(1634890853, 1634301545)")
        threads = [threading.Thread(target=run, args=(n,)) for n in (0, 1)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while not (said[0] and said[1]) and time.monotonic() < deadline:
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert all("waiting" in lines[0] for lines in said)
    assert sorted(r.code for r in results if r) == ["loaded", "unchanged"]
    assert sorted(len(r.applied) > 0 for r in results if r) == [False, True]


def test_a_lock_held_by_another_is_given_up_naming_the_holder(empty: str, make_source) -> None:
    migrate(empty, source=make_source(TABLE, {}))
    trigger = (
        "create or replace function artery.g() returns trigger language plpgsql "
        "set search_path = pg_catalog, pg_temp as 'begin return new; end'; "
        "create or replace trigger g "
        "before insert on artery.box for each row execute function artery.g();"
    )
    source = make_source(TABLE, {"triggers/artery/g.sql": trigger})
    with psycopg.connect(empty, application_name="payroll") as holder:
        holder.execute("insert into artery.box values (1)")
        error = sqlstate_of(migrate, empty, source=source, lock_timeout=0.2)
        assert error.sqlstate == "IN907"
        assert f"pid {holder.info.backend_pid}" in (error.detail or "")
        assert "payroll" in (error.detail or "")
        assert "artery.box" in (error.detail or "")
    assert migrate(empty, source=source).code == "loaded"


@pytest.mark.one_server
def test_the_command_line_tells_people_and_programs(empty: str) -> None:
    assert artery(empty, "migrate", "status").returncode == 1
    first = artery(empty, "migrate", "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["code"] == "loaded"
    assert first.stderr == ""
    assert "Nothing to do" in artery(empty, "migrate").stdout
    shown = artery(empty, "migrate", "status")
    assert (shown.returncode, "up to date" in shown.stdout) == (0, True)
    assert json.loads(artery(empty, "migrate", "status", "--json").stdout)["up_to_date"] is True
    refused = artery(empty, "migrate", "rollback", "--all", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["error"]["sqlstate"]) == (5, "IN906")
    refused = artery(empty, "migrate", "rollback", "--all")
    assert (refused.returncode, "hint:" in refused.stderr, "rows" in refused.stderr) == (
        5,
        True,
        True,
    )
    assert artery(empty, "migrate", "rollback", "--all", "--yes").returncode == 0
    again = artery(empty, "migrate", "rollback")
    assert (again.returncode, "IN910" in again.stderr) == (2, True)
    away = artery("host=127.0.0.1 port=1 dbname=x", "migrate")
    assert (away.returncode, "hint:" in away.stderr) == (3, True)


def test_a_database_in_extension_mode_is_refused(empty: str) -> None:
    # as CREATE EXTENSION leaves it, for the guard
    query(
        empty,
        "insert into pg_extension select 99999, 'pg_artery', 10, 2200, true, '0.1.0', null, null",
    )
    for action in (migrate, rollback, status):
        assert sqlstate_of(action, empty).sqlstate == "IN902"
    assert query(empty, "select from pg_namespace where nspname ~ '^artery'") == []
