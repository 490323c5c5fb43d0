"""`artery migrate --sql`: psql does with its script what artery migrate does."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from catalog_snapshot import snapshot
from test_migrate import F1, TABLE, artery, query, sqlstate_of

from pg_artery.migrate import Source, migrate, status
from pg_artery.script import script
from previous_release import contents, later, lost, previous, psql
from previous_release import template as previous_template

pytestmark = [
    pytest.mark.one_server,
    pytest.mark.skipif(not shutil.which("psql"), reason="no psql on the path"),
]

MARKS = (
    "select migration_id, checksum, code_objects from artery_install.migration_file order by 1",
    "select migration_hash, migration_id from artery_install._yoyo_migration order by 2",
    "select migration_id, operation from artery_install._yoyo_log order by 1",
    "select version from artery_install._yoyo_version order by 1",
    "select schema_checksum, checksum, version, files, fingerprint, array(select unnest(managed) "
    "order by 1) from artery_install.code where loaded",
)

NOTHING = "nothing to do, the database is up to date"


def marks(dsn: str) -> list[list[tuple]]:
    return [query(dsn, statement) for statement in MARKS]


def installed(dsn: str) -> list[str]:
    """The catalog of artery_install itself, which `snapshot` leaves out."""
    return sorted(
        str(row)
        for row in query(
            dsn,
            "select c.relname, c.relowner::regrole, c.relacl, obj_description(c.oid), a.attname, "
            "format_type(a.atttypid, a.atttypmod), a.attnotnull from pg_class c join pg_attribute "
            "a on a.attrelid = c.oid where c.relnamespace = 'artery_install'::regnamespace",
        )
    )


def run(dsn: str, text: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "script.sql"
    file.write_text(text)
    return psql(dsn, file)


@pytest.fixture
def old(cluster, once) -> Iterator[str]:
    """A database of the release before this one."""
    with cluster.database("old_to_review", previous_template(cluster, once)) as dsn:
        yield dsn


def same_as_migrated(dsn: str, reference: str) -> None:
    assert snapshot(dsn) == snapshot(reference)
    assert marks(dsn) == marks(reference)
    assert installed(dsn) == installed(reference)
    assert status(dsn).up_to_date
    again = migrate(dsn)
    assert (again.applied, again.code) == ([], "unchanged")
    assert NOTHING in "".join(script(dsn))


def test_from_empty_psql_leaves_what_migrate_leaves(
    cluster, empty: str, template: str, tmp_path: Path
) -> None:
    (tmp_path / "cli.sql").write_text(artery("", "migrate", "--sql", "--from", "empty").stdout)
    assert (tmp_path / "cli.sql").read_text() == "".join(script(empty)), "offline is the same"
    done = psql(empty, tmp_path / "cli.sql")
    assert done.returncode == 0, done.stderr
    same_as_migrated(empty, cluster.dsn(template))
    again = psql(empty, tmp_path / "cli.sql")
    assert (again.returncode, "this script is not for the state" in again.stderr) == (3, True)


def test_from_the_release_before_with_its_data(
    cluster, old: str, template: str, tmp_path: Path
) -> None:
    before = contents(old)
    assert len(before["artery.integration_task"]) == 60
    done = run(old, "".join(script(old)), tmp_path)
    assert done.returncode == 0, done.stderr
    assert lost(before, old) == []
    assert snapshot(old) == snapshot(cluster.dsn(template))
    assert status(old).up_to_date
    assert migrate(old).code == "unchanged"


def test_a_script_for_another_state_does_nothing(empty: str, make_source, tmp_path: Path) -> None:
    source = make_source(TABLE, {"functions/artery/f.sql": F1})
    version = previous()[0].version
    for since in ("empty", version):
        migrate(empty, source=make_source({}, {}))
        before = snapshot(empty)
        done = run(empty, "".join(script(since=since)), tmp_path)
        assert (done.returncode, "hint" in done.stderr.lower()) == (3, True)
        assert snapshot(empty) == before
    migrate(empty, source=source)
    query(empty, "update artery_install.migration_file set checksum = 'edited' where true")
    assert sqlstate_of(lambda: list(script(empty, source=source))).sqlstate == "IN901"
    assert sqlstate_of(lambda: list(script(since="9.9.9"))).sqlstate == "IN910"


def test_guards_are_those_of_migrate(empty: str, make_source, tmp_path: Path) -> None:
    source = make_source(TABLE, {"functions/artery/f.sql": F1})
    text = "".join(script(empty, source=source, lock_timeout=0.2))
    with psycopg.connect(empty, autocommit=True) as other:
        other.execute("select pg_advisory_lock(1634890853, 1634301545)")
        assert "another artery migrate is at work" in run(empty, text, tmp_path).stderr
    query(
        empty,
        "insert into pg_extension select 99999, 'pg_artery', 10, 2200, true, '0.1.0', null, null",
    )
    assert "as an extension" in run(empty, text, tmp_path).stderr
    query(empty, "delete from pg_extension where oid = 99999")
    assert query(empty, "select from pg_namespace where nspname ~ '^artery'") == []
    assert run(empty, text, tmp_path).returncode == 0

    orphaned = "".join(script(empty, source=make_source(TABLE, {})))
    done = run(empty, orphaned, tmp_path)
    assert "drop function artery.f(integer);" in done.stderr
    broken = make_source(TABLE, {"functions/artery/f.sql": F1.replace("1'", "artery.g()'")})
    done = run(empty, "".join(script(empty, source=broken)), tmp_path)
    assert "function artery.f(integer): does not compile" in done.stderr
    assert status(empty, source=source).up_to_date, "what failed has changed nothing"

    wider = {"0003_c": ("alter table artery.box add c int;", "alter table artery.box drop c;")}
    source = make_source(TABLE | wider, {"functions/artery/f.sql": F1})
    text = "".join(script(empty, source=source, lock_timeout=0.2))
    with psycopg.connect(empty) as holder:
        holder.execute("lock table artery.box in access share mode")
        assert "lock timeout" in run(empty, text, tmp_path).stderr
    assert run(empty, text, tmp_path).returncode == 0
    assert status(empty, source=source).up_to_date


def points(text: str) -> list[int]:
    """Where a line of the script begins and none of a quoted body: a kill there ends psql."""
    found, quote = [], None
    for match in re.finditer(r"\$\w*\$|;\n", text):
        if match[0] == ";\n":
            found += [match.end()] if quote is None else []
        elif quote in (None, match[0]):
            quote = match[0] if quote is None else None
    return found


def test_killed_at_any_statement_a_new_script_converges(
    cluster, once, old: str, tmp_path: Path, pytestconfig
) -> None:
    """Upgraded from the release before, its data in it: what is committed is marked."""
    source = later(tmp_path)
    before = contents(old)
    chance = random.Random(8)
    kills = 0
    for _ in range(60 if pytestconfig.getoption("--long") else 6):
        text = "".join(script(old, source=source))
        if NOTHING in text:
            break
        every = points(text)[5:]
        early = [at for at in every if at < text.index("loading ")]
        at = chance.choice(early or every)
        killed = text[:at] + "select pg_terminate_backend(pg_backend_pid());\n" + text[at:]
        assert run(old, killed, tmp_path).returncode in (2, 3)
        kills += 1
    assert kills > 3
    text = "".join(script(old, source=source))
    done = run(old, text, tmp_path)
    assert done.returncode == 0, done.stderr
    assert status(old, source=source).up_to_date, status(old, source=source)
    assert lost(before, old) == []
    with cluster.database("not_killed", previous_template(cluster, once)) as reference:
        migrate(reference, source=source)
        assert snapshot(old) == snapshot(reference)
    twice = "select migration_id from artery_install._yoyo_log group by 1 having count(*) > 1"
    assert query(old, twice) == []


def test_names_in_psql_variables_and_odd_texts_stay_as_they_are(
    empty: str, make_source, tmp_path: Path
) -> None:
    body = (
        "create or replace function artery.f(p_a int[]) returns text language sql immutable "
        r"return '\d :user 100%' || (p_a[1:2])::text || $json$ {} %s $json$;"
    )
    source: Source = make_source({}, {"functions/artery/f.sql": body})
    done = run(empty, "".join(script(empty, source=source)), tmp_path)
    assert done.returncode == 0, done.stderr
    assert status(empty, source=source).up_to_date
    assert query(empty, "select artery.f(array[1, 2, 3])") == [(r"\d :user 100%{1,2} {} %s ",)]
