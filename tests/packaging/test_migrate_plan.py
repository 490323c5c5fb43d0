"""`artery migrate --plan`: locks, reads and rewrites as they are; and what a release may do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import astuple

import psycopg
import pytest
from catalog_snapshot import snapshot
from test_migrate import F1, TABLE, artery, query, sqlstate_of

from pg_artery.migrate import migrate
from pg_artery.plan import Step, plan
from pg_artery.resources import migrations_dir
from previous_release import template as previous_template

pytestmark = pytest.mark.one_server

CHECK = "alter table artery.box add constraint box_id_check check (id > 0) not valid;"
UNCHECK = "alter table artery.box drop constraint box_id_check;"
LATER = {
    "0003_wider": (
        "alter table artery.box alter id type bigint;",
        "alter table artery.box alter id type int;",
    ),
    "0004_check": (CHECK, UNCHECK),
    "0005_valid": ("alter table artery.box validate constraint box_id_check;", "select 1;"),
    "0006_fill": ("update artery.box set id = id where id < 0;", "select 1;"),
    "0007_new": ("create table artery.lid (id int);", "drop table artery.lid;"),
    "0008_lid": ("alter table artery.lid add n int;", "alter table artery.lid drop n;"),
}
TRIGGER = (
    "create or replace function artery.g() returns trigger language plpgsql "
    "set search_path = pg_catalog, pg_temp as 'begin return new; end'; create or replace trigger g "
    "before insert on artery.box for each row execute function artery.g();"
)
VIEW = "create or replace view artery.v as select 1 as one;"


def test_the_plan_names_locks_reads_and_rewrites_and_takes_none(empty: str, make_source) -> None:
    migrate(empty, source=make_source(TABLE, {"views/artery/v.sql": VIEW}))
    query(empty, "insert into artery.box select generate_series(1, 1000); analyze artery.box")
    code = {"functions/artery/f.sql": F1, "triggers/artery/g.sql": TRIGGER}
    source = make_source(TABLE | LATER, code | {"views/artery/v.sql": VIEW})
    online = source.migrations / "0009_index.sql"
    online.write_text(
        "-- transactional: false\n"
        "create index concurrently if not exists box_idx on artery.box (id);\n"
    )
    online.with_suffix(".rollback.sql").write_text("drop index artery.box_idx;")
    before, databases = snapshot(empty), "select datname from pg_database order by 1"
    there = query(empty, databases)
    with psycopg.connect(empty) as business:  # a migration would wait for it
        business.execute("update artery.box set id = id where id = 1")
        found = plan(empty, source=source, lock_timeout=0.2)
    assert snapshot(empty) == before
    assert query(empty, databases) == there
    size = query(empty, "select pg_total_relation_size('artery.box')")[0][0]
    seen = {
        step.name: [astuple(lock)[:-2] for lock in step.locks]
        for step in found.steps
        if not any(lock.rows != 1000 or lock.bytes != size for lock in step.locks if not lock.view)
    }
    box, everybody, form = ("artery.box", False), "reads and writes", "changes of the table's form"
    assert seen == {
        "0003_wider": [(*box, "access exclusive", everybody, True, True)],
        "0004_check": [(*box, "access exclusive", everybody, False, False)],
        "0005_valid": [(*box, "share update exclusive", form, False, True)],
        "0006_fill": [(*box, "row exclusive", "changes of the same rows", False, True)],
        "0007_new": [],
        "0008_lid": [],
        "0009_index": [(*box, "share update exclusive", form, False, True)],
        "sql/": [
            (*box, "share row exclusive", "writes", False, False),
            ("artery.v", True, "access exclusive", everybody, False, False),
        ],
    }
    assert [step.lock_wait_s for step in found.steps] == [0.2] * 6 + [None, 0.2]
    assert migrate(empty, source=source).code == "loaded"
    assert plan(empty, source=source).steps == []


def test_where_no_database_can_be_made_one_can_be_given(cluster, empty: str, make_source) -> None:
    source = make_source(TABLE, {})
    migrate(empty, source=make_source({}, {}))
    query(empty, "create role nodb login; grant artery_owner to nodb")
    poor = re.sub(r"user=\S+", "user=nodb", empty)
    error = sqlstate_of(plan, poor, source=source)
    assert (error.sqlstate, "--scratch" in (error.hint or "")) == ("IN916", True)
    with cluster.database("scratch") as scratch:
        assert [s.name for s in plan(poor, source=source, scratch=scratch).steps]
        assert query(scratch, "select from pg_namespace where nspname ~ '^artery'") == []
        migrate(scratch)
        assert sqlstate_of(plan, poor, source=source, scratch=scratch).sqlstate == "IN916"


def test_the_command_line_shows_it_to_people_and_programs(empty: str) -> None:
    shown = artery(empty, "migrate", "--plan")
    assert (shown.returncode, "every step makes new objects" in shown.stdout) == (0, True)
    told = json.loads(artery(empty, "migrate", "--plan", "--json").stdout)
    assert (told["measured"], told["steps"][-1]["name"]) == (False, "sql/")
    assert query(empty, "select from pg_namespace where nspname ~ '^artery'") == []


@pytest.fixture(scope="module")
def since_release(cluster, once) -> Iterator[list[Step]]:
    with cluster.database("planned", previous_template(cluster, once)) as dsn:
        yield plan(dsn).steps


def test_no_migration_since_the_last_release_rewrites_or_reads_a_table_that_others_wait_for(
    since_release: list[Step],
) -> None:
    """A migration may where it says that the table is small: `-- small: schema.table, why`."""
    faults = []
    for step in since_release[:-1]:
        text = (migrations_dir() / f"{step.name}.sql").read_text()
        small = set(re.findall(r"^-- small: (\S+?),? ", text, re.M))
        for lock in step.locks:
            waits = lock.keeps_out in ("writes", "reads and writes")
            if (lock.rewritten or (lock.read and waits)) and lock.relation not in small:
                faults.append(f"{step.name}: {lock.relation}: {lock.mode}")
    assert faults == []


def test_loading_the_code_rewrites_and_reads_no_table(since_release: list[Step]) -> None:
    assert since_release[-1].name == "sql/"
    faults = [lock.relation for lock in since_release[-1].locks if lock.rewritten]
    assert faults == []
