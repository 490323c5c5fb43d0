"""`artery bom import`: files in, an answer for each, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from pg_artery.cli import main
from pg_artery.servers import Server

pytestmark = pytest.mark.one_server

GOOD = {
    "source": "plm",
    "message_id": "1",
    "boms": [
        {"item": "P", "unit": "EA", "lines": [{"component": "C", "quantity": 2, "unit": "EA"}]}
    ],
}
BAD = {
    "boms": [
        {"item": "Q", "unit": "XX", "lines": [{"component": "C", "quantity": 0, "unit": "EA"}]}
    ]
}
XML = (
    '<bom_message><bom item="R" unit="EA"><line component="P" quantity="1" unit="EA"/></bom>'
    "</bom_message>"
)


@pytest.fixture
def artery(conn: psycopg.Connection, dsn: str, tmp_path: Path):
    conn.execute("insert into artery_erp.unit values ('EA', 'piece', 'count', true)")
    for name, text in {
        "good.json": "\ufeff" + json.dumps(GOOD),
        "bad.json": json.dumps(BAD),
        "broken.json": '{"boms": [',
        "parts.xml": XML,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "latin.json").write_bytes(b'{"boms": "\xe4"}')

    def run(*arguments: str, stdin: str | None = None) -> Result:
        paths = [str(tmp_path / a) if "." in a else a for a in arguments]
        return CliRunner().invoke(main, ["bom", "import", *paths, "--dsn", dsn], input=stdin)

    return run


@pytest.mark.parametrize("files", [["good.json"], ["good.json", "parts.xml"]], ids=len)
def test_files_and_what_became_of_them(
    artery, conn: psycopg.Connection, server: Server, files: list[str]
) -> None:
    if "parts.xml" in files and not server.libxml:
        pytest.skip("this PostgreSQL was built without libxml")
    result = artery(*files)
    assert result.exit_code == 0, result.output
    rows = [line.split()[-9:] for line in result.output.splitlines()]
    assert [row[0] for row in rows[1:]] == ["processed"] * len(files)
    assert rows[1][1:7] == ["1", "1", "0", "0", "1", "2"]
    assert conn.execute("select count(*) from artery_erp.bom_line").fetchone() == (len(files),)
    again = artery("good.json")
    assert again.exit_code == 0
    assert conn.execute("select count(*) from artery_staging.plm_bom").fetchone() == (len(files),)


def test_reasons_are_shown_and_the_others_imported(artery, conn: psycopg.Connection) -> None:
    result = artery("bad.json", "broken.json", "latin.json", "good.json")
    assert result.exit_code == 5
    for text in (
        "IN204  /boms/0/unit: there is no unit 'XX'",
        "IN205  /boms/0/lines/0/quantity",
        "IN201  the message cannot be read",
        "22021  not UTF-8",
        "hint: ",
    ):
        assert text in result.output
    assert conn.execute(
        "select status, count(*) from artery_staging.plm_bom group by 1 order by 1"
    ).fetchall() == [("processed", 1), ("rejected", 2)]


def test_json_for_programs_and_standard_input(artery) -> None:
    result = artery("-", "--json", stdin=json.dumps(BAD))
    assert result.exit_code == 5
    (answer,) = json.loads(result.output)["files"]
    assert (answer["file"], answer["status"]) == ("<stdin>", "rejected")
    assert [reason["code"] for reason in answer["reasons"]] == ["IN205", "IN204"] or [
        reason["code"] for reason in answer["reasons"]
    ] == ["IN204", "IN205"]


def test_a_user_without_the_role_is_told_so(artery, conn: psycopg.Connection, dsn: str) -> None:
    conn.execute("create role bom_nobody login")
    try:
        run = CliRunner().invoke(
            main, ["bom", "import", "-", "--dsn", f"{dsn} user=bom_nobody"], input=json.dumps(GOOD)
        )
        assert run.exit_code == 5
        assert "42501" in run.output
    finally:
        conn.execute("drop role bom_nobody")
