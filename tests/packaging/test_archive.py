"""`artery archive`: what is past its age goes to a file that holds the same rows, and only then."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from pg_artery.archive_files import pieces, records
from pg_artery.cli import main

COLUMNS = """
    at timestamptz not null, n bigint, i integer, s smallint, price numeric(12,4), any_no numeric,
    d double precision, r real, ok boolean, day date, local timestamp, at_time time, span interval,
    "Tex""t" text collate "C", short varchar(10), raw bytea, doc jsonb, ip inet, id uuid,
    words text[], numbers numeric(8,2)[], span_of tstzrange
"""
#: what a careless writer would change: each row has something that looks like something else
ODD = r"""
((d), 1, 2, 3, 1.5, 1.50, 0.1, 0.1, true, '2024-02-29',
 '2024-02-29 12:00:00.000001', '12:00', '1 mon 3 days 04:05:06.7', '', 'x',
 '\x00ff', '{"a": 1.10, "b": [null, "ü"]}', '10.0.0.1/8',
 gen_random_uuid(), '{}', '{1.10,NULL}', '[2024-01-01,)');
((d + '0.1 s'), null, null, null, null, null, null, null, null, null, null, null, null,
 null, null, null, null, null, null, null, null, null);
((d + '23:59:59.999999'), 9223372036854775807, -2147483648, -32768, -99999999.9999, 1e-30, 1e15,
 3.4e38, false, '0001-01-01', '0001-01-01', '24:00', '-1 year', E'a "b", c\n\\.\n,\r\n\t',
 'NULL', '', 'null', '::1', null, '{NULL,"NULL","",",",a b}', '{}', 'empty');
((d + '1 h'), 0, 0, 0, 0.0000, 123456789012345678901234567890.123456789, '-0', 1e-40, null,
 '9999-12-31', null, null, null, '\N', ' ', null, '"x"', 'fe80::/10', null,
 '{{a,b},{c,d}}', null, null)
"""
#: what no Parquet type holds
ENDLESS = """
((d + '2 h'), 1, 1, 1, 'NaN', 'Infinity', 'NaN', 'Infinity', true, 'infinity', '-infinity',
 '00:00', '0', 'x', 'x', '', '{}', '::', null, null, null, null)
"""

pytestmark = pytest.mark.one_server


def make_table(conn: psycopg.Connection, rows: str, days_old: int = 40) -> None:
    """A table of all types, kept for 30 days, with one partition past them."""
    conn.execute("set role artery_owner")
    conn.execute("update artery.partitioning set keep = null")
    conn.execute(f"create table artery.odd ({COLUMNS}) partition by range (at)")
    conn.execute("insert into artery.partitioning (parent, keep) values ('artery.odd', '30 days')")
    conn.execute(
        "select artery._ensure_partition('artery.odd', now() - %s * interval '1 day')", (days_old,)
    )
    conn.execute("select artery._ensure_partition('artery.odd', now())")
    day = f"(date_trunc('day', now(), 'UTC') - {days_old} * interval '1 day'"
    for row in rows.strip().split(";"):
        conn.execute(f"insert into artery.odd values {row.replace('(d', day, 1)}")
    conn.execute("insert into artery.odd (at) values (now())")
    conn.execute("reset role")
    conn.execute(
        "create table public.kept as select * from artery.odd where at < now() - interval '1 day'"
    )


def same(conn: psycopg.Connection, one: str, other: str) -> bool:
    """The same rows, as PostgreSQL writes them: 1.5 is not 1.50."""
    (answer,) = conn.execute(
        f"select not exists (select t::text from {one} t except all select t::text from {other} t)"
        f" and not exists (select t::text from {other} t except all select t::text from {one} t)"
    ).fetchone() or (False,)
    return bool(answer)


def artery(*arguments: str, dsn: str, code: int = 0) -> Any:
    command = ["archive", *arguments, "--dsn", dsn, "--json"]
    with mock.patch.object(sys, "argv", command):  # where errors look for --json
        done = CliRunner().invoke(main, command)
    assert done.exit_code == code, done.output + repr(done.exception)
    return json.loads(done.stdout)


def left(conn: psycopg.Connection) -> list[str]:
    found = conn.execute(
        "select relname::text from pg_class where relname ~ '^odd_\\d+$'"
        " and to_char(now(), 'YYYYMMDD') <> right(relname, 8)"
    )
    return [name for (name,) in found.fetchall()]


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("rows", [ODD, ODD + ";" + ENDLESS, None], ids=["odd", "endless", "none"])
def test_every_value_comes_back_as_it_was(
    dsn: str, conn: psycopg.Connection, tmp_path: Path, form: str, rows: str | None
) -> None:
    make_table(conn, rows or ODD)
    if rows is None:
        conn.execute(
            "delete from artery.odd where at < now() - interval '1 day'; truncate public.kept"
        )
    shown = artery("run", "--to", str(tmp_path), "--format", form, "--dry-run", dsn=dsn)
    assert [row["state"] for row in shown["partitions"]] == ["waiting"]
    assert list(tmp_path.iterdir()) == []
    (done,) = artery("run", "--to", str(tmp_path), "--format", form, dsn=dsn)["partitions"]
    assert done["state"] == "dropped"
    assert left(conn) == []
    file = Path(done["file"])
    manifest = json.loads((file.parent / f"{file.name}.json").read_text())
    (count,) = conn.execute("select count(*) from public.kept").fetchone() or (0,)
    assert (manifest["rows"], manifest["bytes"]) == (count, file.stat().st_size)
    assert sorted(p.name for p in file.parent.iterdir()) == [file.name, f"{file.name}.json"]
    if form == "parquet" and rows == ODD:
        from pyarrow import parquet

        types = {f.name: str(f.type) for f in parquet.read_schema(file)}
        assert types["at"] == "timestamp[us, tz=UTC]"
        assert (types["price"], types["n"], types["raw"]) == (
            "decimal128(12, 4)",
            "int64",
            "binary",
        )
    conn.execute(
        "create role somebody login; grant artery_reader to somebody;"
        " create schema s authorization somebody"
    )
    plain = make_conninfo(dsn, user="somebody")
    assert artery("restore", str(file), "--into", "s.back", dsn=plain)["rows"] == count
    assert same(conn, "s.back", "public.kept")
    assert [f["state"] for f in artery("verify", str(tmp_path), "--rows", dsn=plain)["files"]] == [
        "whole"
    ]
    error = artery("restore", str(file), "--into", "s.back", dsn=plain, code=1)["error"]
    assert error["sqlstate"] == "42P07"
    assert artery("run", "--to", str(tmp_path), "--format", form, dsn=dsn)["partitions"] == []
    conn.execute("drop owned by somebody; drop role somebody")


RUN = (sys.executable, "-m", "pg_artery", "archive", "run", "--to")
STEPS = ("begun", "detached", "writing", "written", "described", "finished")


def test_killed_anywhere_nothing_is_lost_and_the_next_run_ends_it(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    make_table(conn, ODD)
    command = [*RUN, str(tmp_path), "--format", "csv", "--dsn", dsn]
    for step in STEPS:
        environment = os.environ | {"ARTERY_FAILPOINT": f"archive_{step}"}
        killed = subprocess.run(command, env=environment, capture_output=True, timeout=60)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        # the rows are in the table, wherever that is now, until the file was read back
        assert left(conn), step
        assert same(conn, f"artery.{left(conn)[0]}", "public.kept")
        (verified,) = conn.execute(
            "select count(*) from artery.partition_archive where status = 'verified'"
        ).fetchone() or (0,)
        assert verified == (step == "finished")
        if step == "detached":
            # nobody can slip a row in between the digest and the drop
            assert artery("list", dsn=dsn)["partitions"][0]["state"] == "detached"
        conn.execute("select artery.drop_partitions('-infinity')")
        assert left(conn), "the sweep drops no partition that is being archived"
    with pytest.raises(psycopg.Error) as refused:
        conn.execute(f"insert into artery.{left(conn)[0]} (at) values (now())")
    assert refused.value.sqlstate == "IN073"
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert left(conn) == []
    (entry,) = conn.execute("select status, file from artery.partition_archive").fetchall()
    assert entry[0] == "dropped"
    names = sorted(path.name for path in Path(entry[1]).parent.iterdir())
    assert names == [Path(entry[1]).name, f"{Path(entry[1]).name}.json"]
    artery("restore", entry[1], "--into", "public.back", dsn=dsn)
    assert same(conn, "public.back", "public.kept")


def test_the_sweep_drops_what_a_killed_run_had_verified(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    make_table(conn, ODD)
    command = [*RUN, str(tmp_path), "--dsn", dsn]
    subprocess.run(
        command, env=os.environ | {"ARTERY_FAILPOINT": "archive_finished"}, capture_output=True
    )
    assert conn.execute("select artery.drop_partitions('infinity')").fetchone() == (1,)
    assert left(conn) == []
    assert conn.execute("select status from artery.partition_archive").fetchall() == [("dropped",)]


def test_what_waits_for_its_archive_is_loud(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    make_table(conn, ODD)
    conn.execute(
        "update artery.partitioning set archive_before_drop = true where parent = 'artery.odd'"
    )
    assert conn.execute("select artery.drop_partitions('infinity')").fetchone() == (0,)
    attention = (
        "select severity, found from artery_monitor.attention()"
        " where subject = 'artery.odd' and found ~ 'past their age'"
    )
    # nine days behind
    assert [row[0] for row in conn.execute(attention).fetchall()] == ["critical"]
    artery("run", "--to", str(tmp_path), "--format", "csv", dsn=dsn)
    assert conn.execute(attention).fetchall() == []
    (status,) = [t for t in artery("list", dsn=dsn)["tables"] if t["parent"] == "artery.odd"]
    assert (status["waiting"], status["archived"], status["archived_rows"]) == (0, 1, 4)


def test_what_is_not_the_same_is_not_dropped(
    dsn: str, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(conn, ODD)
    from pg_artery import archive_files

    honest = archive_files.pieces
    monkeypatch.setattr(
        archive_files,
        "pieces",
        lambda rows: ((p.replace(b"1.5000", b"1.5001"), n) for p, n in honest(rows)),
    )
    (failed,) = artery("run", "--to", str(tmp_path), dsn=dsn, code=1)["partitions"]
    assert failed["state"] == "failed"
    assert left(conn)
    monkeypatch.undo()
    artery("run", "--to", str(tmp_path), dsn=dsn)
    assert left(conn) == []


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_damaged_file_is_found(
    dsn: str, conn: psycopg.Connection, tmp_path: Path, form: str
) -> None:
    make_table(conn, ODD)
    (done,) = artery("run", "--to", str(tmp_path), "--format", form, dsn=dsn)["partitions"]
    file = Path(done["file"])
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    (cut,) = artery("verify", str(tmp_path), dsn=dsn, code=1)["files"]
    assert cut["state"] == "damaged"
    assert (
        artery("restore", str(file), "--into", "public.back", dsn=dsn, code=1)["error"]["sqlstate"]
        == "IN074"
    )
    assert conn.execute("select to_regclass('public.back')").fetchone() == (None,)
    file.write_bytes(whole)
    Path(f"{file}.json").unlink()
    (bare,) = artery("verify", str(file), dsn=dsn, code=1)["files"]
    assert "no manifest" in bare["found"]


def test_another_database_s_file_is_not_overwritten(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    make_table(conn, ODD)
    (name,) = (
        row["partition"]
        for row in artery("run", "--to", str(tmp_path), "--dry-run", dsn=dsn)["partitions"]
    )
    there = tmp_path / "artery.odd" / (name.split(".")[1] + ".csv.gz")
    there.parent.mkdir()
    there.write_bytes(gzip.compress(b"theirs\n"))
    Path(f"{there}.json").write_text(json.dumps({"database": {"name": "theirs"}, "digest": "0:0"}))
    (done,) = artery("run", "--to", str(tmp_path), "--format", "csv", dsn=dsn)["partitions"]
    assert done["file"].endswith("-2.csv.gz")
    assert gzip.decompress(there.read_bytes()) == b"theirs\n"


def test_without_pyarrow_csv_is_written(
    dsn: str, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(conn, ODD)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert (
        artery("run", "--to", str(tmp_path), "--format", "parquet", dsn=dsn, code=2)["error"][
            "sqlstate"
        ]
        == "IN075"
    )
    (done,) = artery("run", "--to", str(tmp_path), dsn=dsn)["partitions"]
    assert done["file"].endswith(".csv.gz")


def test_a_login_without_the_owner_s_role_is_told(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    conn.execute("create role nobody_much login; grant artery_admin to nobody_much")
    error = artery(
        "run", "--to", str(tmp_path), dsn=make_conninfo(dsn, user="nobody_much"), code=5
    )["error"]
    assert "artery migrate" in error["hint"]
    conn.execute("drop role nobody_much")


def test_records_end_where_quotes_are_closed() -> None:
    lines = [b'1,"a\n', b'b""\n', b'"\n', b"2,c\n"]
    assert list(records(lines)) == [b'1,"a\nb""\n"\n', b"2,c\n"]
    assert list(pieces(records(lines), 5)) == [(b'1,"a\nb""\n"\n', 1), (b"2,c\n", 1)]
