"""sql/manifest.txt is the whole of sql/, and its folders say what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from pg_artery.errors import ArteryError
from pg_artery.resources import read_code, sql_dir

SCHEMAS = {"artery", "erp", "staging", "plm", "mes", "iot", "tax", "procurement"}
SCHEMAS |= {"monitor", "api_v1"}


def test_the_manifest_lists_every_file_once() -> None:
    assert [path for path, _ in read_code().files] != []


def test_folders_name_kind_and_schema() -> None:
    for path, text in read_code().files:
        kind, schema, _ = path.split("/")
        assert (kind in ("functions", "triggers", "views"), schema in SCHEMAS) == (True, True), path
        assert f"artery{'' if schema == 'artery' else '_' + schema}." in text, path


def test_headings_are_the_folders_of_the_lines_below_them() -> None:
    heading = None
    for line in (sql_dir() / "manifest.txt").read_text().splitlines():
        if line.startswith("# ") and "/" in line.split()[1] and len(line.split()) == 2:
            heading = line[2:]
        elif line and not line.startswith("#") and heading:
            assert line.rpartition("/")[0] == heading, f"{line} stands below {heading}"


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        ("a.sql\n", "not listed: b.sql"),
        ("a.sql\nb.sql\nc.sql\n", "listed but missing: c.sql"),
        ("a.sql\nb.sql # why\na.sql\n", "listed twice: a.sql"),
    ],
)
def test_faults_are_named(tmp_path: Path, manifest: str, fault: str) -> None:
    for name in ("a.sql", "b.sql"):
        (tmp_path / name).write_text("select 1;")
    (tmp_path / "manifest.txt").write_text(manifest)
    with pytest.raises(ArteryError) as caught:
        read_code(tmp_path)
    assert caught.value.sqlstate == "IN904"
    assert caught.value.detail == fault


def test_the_checksum_tells_order_names_and_texts_apart(tmp_path: Path) -> None:
    def checksum_of(a: str, b: str, manifest: str) -> str:
        (tmp_path / "a.sql").write_text(a)
        (tmp_path / "b.sql").write_text(b)
        (tmp_path / "manifest.txt").write_text(manifest)
        return read_code(tmp_path).checksum

    same = checksum_of("1", "2", "a.sql\nb.sql")
    assert checksum_of("1", "2", "# a comment\n\na.sql\r\nb.sql") == same
    assert checksum_of("1", "3", "a.sql\nb.sql") != same
    assert checksum_of("2", "1", "a.sql\nb.sql") != same
    assert checksum_of("1", "2", "b.sql\na.sql") != same
