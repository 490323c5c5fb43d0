"""`artery bom tree` and `artery bom diff`: what they print, and how they end."""

from __future__ import annotations

import json

import psycopg
import pytest
from click.testing import CliRunner, Result

from pg_artery.cli import main

pytestmark = pytest.mark.one_server

STRUCTURE = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.item (code, name, status, source, stock_unit) values
('PUMP', 'Pump, 1.5 kW', 'released', 'make', 'EA'), ('BOLT', 'Bolt', 'released', 'buy', 'EA'),
('PAINT', 'Paint', 'released', 'buy', 'KG'), ('NUT', 'Nut', 'released', 'buy', 'EA');
insert into artery_erp.bom (item_code, revision, status, unit, effectivity) values
('PUMP', 'A', 'released', 'EA', '(,2025-01-01 00:00+00)'),
('PUMP', 'B', 'released', 'EA', '[2025-01-01 00:00+00,)');
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, scrap_rate)
select b.id, l.line_no, l.component_code, l.quantity, i.stock_unit, l.scrap_rate
from (values
    ('A', 10, 'BOLT', 4, 0), ('A', 20, 'PAINT', 0.1, 0.1),
    ('B', 10, 'BOLT', 6, 0), ('B', 20, 'PAINT', 0.1, 0.1), ('B', 30, 'NUT', 6, 0)
) as l (revision, line_no, component_code, quantity, scrap_rate)
join artery_erp.bom as b on b.revision = l.revision
join artery_erp.item as i on i.code = l.component_code;
"""


@pytest.fixture
def artery(conn: psycopg.Connection, dsn: str):
    conn.execute(STRUCTURE.encode())

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["bom", *arguments, "--dsn", dsn])

    return run


def lines(result: Result) -> list[list[str]]:
    return [line.split() for line in result.output.splitlines()]


def test_the_tree_in_columns(artery) -> None:
    result = artery("tree", "PUMP", "--quantity", "30")
    assert result.exit_code == 0
    assert lines(result) == [
        ["line", "item", "name", "required", "unit", "rev", "issue"],
        ["PUMP", "Pump,", "1.5", "kW", "30", "EA", "B"],
        ["10", "BOLT", "Bolt", "180", "EA", "backflush"],
        ["20", "PAINT", "Paint", "3.3", "KG", "backflush"],
        ["30", "NUT", "Nut", "180", "EA", "backflush"],
    ]


def test_another_day_as_json(artery) -> None:
    told = json.loads(artery("tree", "PUMP", "--at", "2024-06-01T00:00+00:00", "--json").output)
    assert told["at"].startswith("20")
    assert [(row["item_code"], row["required"]) for row in told["rows"]] == [
        ("PUMP", "1"), ("BOLT", "4"), ("PAINT", "0.11"),
    ]  # fmt: skip


def test_upwards(artery) -> None:
    assert lines(artery("tree", "BOLT", "--where-used", "--quantity", "10"))[1:] == [
        ["PUMP", "B", "10", "60", "EA", "yes"]
    ]
    assert "goes into nothing" in artery("tree", "PUMP", "--where-used").output


def test_the_difference(artery) -> None:
    result = artery("diff", "PUMP", "A", "B")
    assert result.exit_code == 1
    assert lines(result) == [
        ["line", "no", "change", "component", "code", "property", "A", "B"],
        ["10", "changed", "BOLT", "quantity", "4", "6"],
        ["30", "added", "NUT", "component", "NUT"],
        ["30", "added", "NUT", "quantity", "6"],
        ["30", "added", "NUT", "unit", "EA"],
    ]
    same = artery("diff", "PUMP", "A", "A")
    assert (same.exit_code, same.output) == (
        0, "PUMP: revisions A and A have the same lines.\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tree", "NOPE"], 2, "IN120"),
        (["tree", "NOPE", "--where-used"], 2, "IN120"),
        (["tree", "PUMP", "--revision", "C"], 2, "It has A (released), B (released)."),
        (["diff", "PUMP", "A", "Z"], 2, "IN121"),
        (["tree", "PUMP", "--quantity", "0"], 2, "no quantity above 0"),
        (["tree", "PUMP", "--quantity", "NaN"], 2, "no quantity above 0"),
        (["tree", "PUMP", "--at", "tomorrow"], 2, "neither"),
        (["tree", "PUMP", "--where-used", "--revision", "A"], 2, "exclude"),
    ],
)
def test_what_cannot_be_is_said(artery, arguments: list[str], code: int, said: str) -> None:
    result = artery(*arguments)
    assert (result.exit_code, said in result.output + result.stderr) == (code, True), result.output
