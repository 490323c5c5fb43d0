"""Every SQLSTATE of ours is documented, and every documented one exists."""

from __future__ import annotations

import re

from pg_artery.errors import SQLSTATES
from pg_artery.resources import migrations_dir, sql_dir

DOCS = sql_dir().parent / "docs" / "sqlstates.md"
OURS = re.compile(r"\bIN\d{3}\b")


def documented() -> list[str]:
    return re.findall(r"^\| `(IN\d{3})` \|", DOCS.read_text(), re.MULTILINE)


def test_the_table_and_the_code_name_the_same_states() -> None:
    raised = {state for state in SQLSTATES if OURS.fullmatch(state)}
    for folder in (sql_dir(), migrations_dir()):
        for file in folder.rglob("*.sql"):
            raised |= set(re.findall(r"'(IN\d{3})'", file.read_text()))
    assert sorted(raised) == documented()


def test_each_state_is_listed_once_in_order() -> None:
    states = documented()
    assert states == sorted(set(states))


def test_no_file_names_a_state_that_is_not_in_the_table() -> None:
    for folder in (sql_dir(), migrations_dir()):
        for file in folder.rglob("*.sql"):
            assert set(OURS.findall(file.read_text())) <= set(documented()), file
