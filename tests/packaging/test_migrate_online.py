"""Index migrations outside a transaction: others write on, and a killed one is taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from catalog_snapshot import snapshot
from test_migrate import TABLE, query, sqlstate_of
from test_migrate_traps import SLOW

from pg_artery import online
from pg_artery.migrate import Source, migrate, rollback, status
from pg_artery.script import script
from previous_release import psql

pytestmark = pytest.mark.one_server

INDEX = """\
-- Boxes are found by number.
-- transactional: false
create unique index concurrently if not exists box_number on artery.box (id);
create index concurrently if not exists box_id_idx on artery.box
using btree (id desc)
where id > 0;
"""


@pytest.fixture
def source(make_source) -> Source:
    made = make_source(TABLE, {})
    (made.migrations / "0003_index.sql").write_text(INDEX)
    (made.migrations / "0003_index.rollback.sql").write_text(
        "drop index if exists artery.box_number; drop index if exists artery.box_id_idx;"
    )
    return made


def indexes(dsn: str) -> list[tuple]:
    return query(
        dsn,
        "select c.relname, i.indisvalid, c.relowner::regrole::text from pg_index as i join "
        "pg_class as c on c.oid = i.indexrelid where c.relname ~ '^box_(n|i)' order by 1",
    )


MADE = [("box_id_idx", True, "artery_owner"), ("box_number", True, "artery_owner")]


def test_it_goes_up_and_down_and_psql_does_the_same(
    cluster, empty: str, source: Source, tmp_path
) -> None:
    migrate(empty, target="0002_box", source=source)
    before = snapshot(empty)
    assert migrate(empty, source=source).applied == ["0003_index"]
    assert indexes(empty) == MADE
    assert rollback(empty, source=source).rolled_back == ["0003_index"]
    assert snapshot(empty) == before
    file = tmp_path / "script.sql"
    file.write_text("".join(script(empty, source=source)))
    done = psql(empty, file)
    assert done.returncode == 0, done.stderr
    assert (indexes(empty), status(empty, source=source).up_to_date) == (MADE, True)


def test_killed_while_it_builds_it_is_taken_up_again(
    empty: str, source: Source, make_source, tmp_path
) -> None:
    migrate(empty, source=make_source(TABLE, {}))
    file = tmp_path / "script.sql"
    file.write_text("".join(script(empty, source=source)))
    for runs in ("artery", "psql"):
        with psycopg.connect(empty) as writer:  # what CREATE INDEX CONCURRENTLY waits for
            writer.execute("insert into artery.box values (1) on conflict do nothing")
            commands = {
                "artery": (sys.executable, "-c", SLOW, empty, source.migrations, source.sql),
                "psql": ("psql", "-X", "-q", "-d", empty, "-f", file),
            }
            process = subprocess.Popen([str(part) for part in commands[runs]])
            building = (
                "select pid from pg_stat_activity where query ~ '^(create unique|drop) index' "
                "and wait_event_type = 'Lock' and datname = current_database()"
            )
            deadline = time.monotonic() + 30
            while not (found := query(empty, building)) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert found, "it waits for the writer, as long as that takes"
            query(empty, "insert into artery.box values (2) on conflict do nothing")  # writes go on
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            query(empty, f"select pg_terminate_backend({found[0][0]})")
        assert indexes(empty) == [("box_number", False, "artery_owner")], "an invalid one is left"
        assert status(empty, source=source).pending == ["0003_index"]
    file.write_text("".join(script(empty, source=source)))
    assert migrate(empty, source=source).applied == ["0003_index"]
    assert indexes(empty) == MADE


def test_a_lock_timeout_is_no_limit_for_it_and_is_one_again_afterwards(
    empty: str, source: Source, make_source
) -> None:
    migrate(empty, source=make_source(TABLE, {}))
    late = {"0004_c": ("alter table artery.box add c int;", "alter table artery.box drop c;")}
    for name, (up, down) in late.items():
        (source.migrations / f"{name}.sql").write_text(f"set local role artery_owner;\n{up}")
        (source.migrations / f"{name}.rollback.sql").write_text(down)
    with psycopg.connect(empty) as writer, psycopg.connect(empty) as reader:
        writer.execute("insert into artery.box values (1)")
        reader.execute("lock table artery.box in access share mode")  # an index does not mind
        threading.Timer(1, writer.commit).start()
        assert sqlstate_of(migrate, empty, source=source, lock_timeout=0.2).sqlstate == "IN907"
    assert indexes(empty) == MADE
    assert status(empty, source=source).pending == ["0004_c"]


def test_duplicates_are_said_and_the_rest_waits(empty: str, source: Source, make_source) -> None:
    plain = {"0002_box": ("create table artery.box (id int);", "drop table artery.box;")}
    for name, (up, _) in plain.items():
        (source.migrations / f"{name}.sql").write_text(f"set local role artery_owner;\n{up}")
    migrate(empty, target="0002_box", source=source)
    query(empty, "insert into artery.box values (1), (1)")
    error = sqlstate_of(migrate, empty, source=source)
    assert (error.sqlstate, "0003_index" in error.message) == ("23505", True)
    query(empty, "delete from artery.box where ctid = '(0,1)'")
    assert migrate(empty, source=source).applied == ["0003_index"]
    assert indexes(empty) == MADE


def test_in_an_extension_it_is_made_in_the_transaction(build_extension) -> None:
    sources = build_extension.Sources("0.3.0", {"0003_index": INDEX}, {}, {})
    built = build_extension.install_script(sources)
    assert "concurrently" not in built
    assert "set local role artery_owner;\n-- Boxes are found" in built
    assert "create unique index if not exists box_number on artery.box (id);" in built


def test_only_statements_that_can_be_run_again_are_taken() -> None:
    assert online.is_online(INDEX)
    assert not online.is_online(INDEX.replace("-- transactional", "select 1;\n-- transactional"))
    assert [part.index for part in online.statements("0003", INDEX)] == [
        "artery.box_number",
        "artery.box_id_idx",
    ]
    for bad in (
        "create index concurrently a on artery.b (c);",
        "update artery.box set id = 1;",
        "",
    ):
        error = sqlstate_of(online.statements, "0003", f"-- transactional: false\n{bad}")
        assert (error.sqlstate, bad.removesuffix(";") in (error.detail or "")) == ("IN909", True)
