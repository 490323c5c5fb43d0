"""A real product structure, exploded and frozen, against an explosion written here in Python."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from pathlib import Path

import psycopg
import pytest

SHARED = Path(os.environ.get("ARTERY_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
FOLDER = SHARED / "adventureworks"
DAYS = ["2020-12-31", "2021-05-02", "2021-05-03", "2021-09-01", "2022-06-01", "2025-01-01"]

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the sample data is absent (set ARTERY_SHARED_DATA to its folder)"
)

# what a message cannot say: which items are complete, and what they cost
COMPLETE = """
insert into artery_erp.unit (code, name, dimension, whole_number)
select u.code, u.name, 'other', u.code = 'EA' from unnest(%s::text[], %s::text[]) as u (code, name);
"""
RELEASE = """
update artery_erp.item as i
set status = 'released', standard_cost = nullif(c.cost::numeric, 0)
from unnest(%s::text[], %s::text[]) as c (code, cost) where i.code = c.code
"""


def read(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Line:
    number: int
    component: str
    quantity: Fraction
    start: datetime
    end: datetime | None

    def holds(self, day: datetime) -> bool:
        return self.start <= day and (self.end is None or day < self.end + timedelta(days=1))


class Structure:
    """The same structure, read from the files by other means."""

    def __init__(self) -> None:
        products = {row["product_id"]: row["product_number"] for row in read("product")}
        self.whole: dict[str, bool] = dict.fromkeys(products.values(), True)
        self.lines: dict[str, list[Line]] = {}
        rows = [row for row in read("bill_of_materials") if row["product_assembly_id"]]
        for row in sorted(rows, key=lambda row: int(row["bill_of_materials_id"])):
            component = products[row["component_id"]]
            self.whole[component] = row["unit_measure_code"] == "EA"
            scrap = Fraction(int(row["bill_of_materials_id"]) % 4 * 125, 10_000)
            lines = self.lines.setdefault(products[row["product_assembly_id"]], [])
            end = row["end_date"]
            lines.append(
                Line(
                    number=10 * (len(lines) + 1),
                    component=component,
                    quantity=Fraction(row["per_assembly_qty"]) * (1 + scrap),
                    start=datetime.fromisoformat(row["start_date"]).replace(tzinfo=UTC),
                    end=datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None,
                )
            )

    def explode(
        self, item: str, quantity: Fraction, day: datetime, path: tuple[int, ...] = ()
    ) -> Iterator[tuple[tuple[int, ...], str, Fraction]]:
        for line in self.lines.get(item, []):
            if line.holds(day):
                here = (*path, line.number)
                yield here, line.component, quantity * line.quantity
                yield from self.explode(line.component, quantity * line.quantity, day, here)

    def has_lines(self, item: str, day: datetime) -> bool:
        return any(line.holds(day) for line in self.lines.get(item, []))

    def required(self, component: str, quantity: Fraction) -> Decimal:
        if self.whole[component]:
            return Decimal(ceil(quantity))
        return Decimal(ceil(quantity * 10**8)).scaleb(-8)


@pytest.fixture(scope="module")
def structure() -> Structure:
    return Structure()


def as_message() -> dict[str, object]:
    """The files as their PLM would send them: end dates are the last day."""
    rows = sorted(read("bill_of_materials"), key=lambda row: int(row["bill_of_materials_id"]))
    units = {row["component_id"]: row["unit_measure_code"] for row in reversed(rows)}
    products = {row["product_id"]: row["product_number"] for row in read("product")}
    assemblies: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        if row["product_assembly_id"]:
            assemblies.setdefault(row["product_assembly_id"], []).append(row)
    return {
        "inclusive_ends": True,
        "items": [
            {
                "code": row["product_number"],
                "name": row["name"],
                "unit": units.get(row["product_id"], "EA"),
                "source": "make" if row["make_flag"] == "1" else "buy",
            }
            for row in read("product")
        ],
        "boms": [
            {
                "item": products[assembly],
                "revision": "1",
                "lines": [
                    {
                        "component": products[row["component_id"]],
                        "quantity": row["per_assembly_qty"],
                        "unit": row["unit_measure_code"],
                        "scrap_rate": str(int(row["bill_of_materials_id"]) % 4 * Decimal("0.0125")),
                        "valid_from": row["start_date"],
                        "valid_to": row["end_date"] or None,
                    }
                    for row in lines
                ],
            }
            for assembly, lines in assemblies.items()
        ],
    }


@pytest.fixture
def loaded(conn: psycopg.Connection) -> psycopg.Connection:
    units = read("unit_measure")
    conn.execute(COMPLETE, ([u["unit_measure_code"] for u in units], [u["name"] for u in units]))
    row = conn.execute(
        "select artery_api_v1.import_bom(%s)", (json.dumps(as_message()),)
    ).fetchone()
    assert row
    assert row[0]["status"] == "processed", row[0]
    assert row[0]["result"]["draft_items"] == 504
    products = read("product")
    conn.execute(
        RELEASE,
        ([p["product_number"] for p in products], [p["standard_cost"] for p in products]),
    )
    return conn


def test_every_line_is_there(loaded: psycopg.Connection, structure: Structure) -> None:
    row = loaded.execute(
        "select (select count(*) from artery_erp.bom), (select count(*) from artery_erp.bom_line)"
    ).fetchone()
    assert row == (len(structure.lines), sum(map(len, structure.lines.values())))
    assert row[0] == 238


def test_each_of_the_2679_rows_is_accounted_for(loaded: psycopg.Connection) -> None:
    """A row without an assembly says that its product is sold as such; all others are lines."""
    products = {row["product_id"]: row["product_number"] for row in read("product")}
    items = {code for (code,) in loaded.execute("select code from artery_erp.item")}
    lines = Counter(
        loaded.execute(
            """
            select b.item_code, l.component_code, l.quantity, l.unit, lower(l.effectivity),
                upper(l.effectivity)
            from artery_erp.bom as b join artery_erp.bom_line as l on l.bom_id = b.id
            """
        ).fetchall()
    )
    rows = read("bill_of_materials")
    roots = 0
    for row in rows:
        if not row["product_assembly_id"]:
            assert products[row["component_id"]] in items
            roots += 1
            continue
        start = datetime.fromisoformat(row["start_date"]).replace(tzinfo=UTC)
        end = row["end_date"]
        line = (
            products[row["product_assembly_id"]],
            products[row["component_id"]],
            Decimal(row["per_assembly_qty"]),
            row["unit_measure_code"],
            start,
            datetime.fromisoformat(end).replace(tzinfo=UTC) + timedelta(days=1) if end else None,
        )
        assert lines[line] > 0, row
        lines[line] -= 1
    assert (len(rows), sum(lines.values())) == (2679, 0)
    assert roots == 2679 - 2576


def test_the_same_message_again_changes_nothing(loaded: psycopg.Connection) -> None:
    again = json.dumps({"message_id": "again", **as_message()})
    row = loaded.execute("select artery_api_v1.import_bom(%s)", (again,)).fetchone()
    assert row
    assert (row[0]["result"]["unchanged"], row[0]["result"]["changes"]) == (238, [])


@pytest.mark.parametrize("day", DAYS)
def test_explosion_of_every_assembly(
    loaded: psycopg.Connection, structure: Structure, day: str
) -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    quantity = Decimal("37")
    ours: dict[str, list[tuple[tuple[int, ...], str, Decimal]]] = {}
    for item, path, component, required in loaded.execute(
        """
        select b.item_code, e.line_path, e.component_code, e.required
        from artery_erp.bom as b
        cross join lateral artery_erp.bom_explosion(b.item_code, %s, %s) as e
        """,
        (quantity, at),
    ):
        ours.setdefault(item, []).append((tuple(path), component, required))
    for item in structure.lines:
        expected = sorted(
            (path, component, structure.required(component, amount))
            for path, component, amount in structure.explode(item, Fraction(quantity), at)
        )
        assert sorted(ours.get(item, [])) == expected, item


def test_order_for_the_deepest_product(loaded: psycopg.Connection, structure: Structure) -> None:
    at = datetime(2022, 6, 1, tzinfo=UTC)
    tree = {item: list(structure.explode(item, Fraction(12), at)) for item in structure.lines}
    item = max(tree, key=lambda item: (max((len(p) for p, _, _ in tree[item]), default=0), item))
    depth = max(len(path) for path, _, _ in tree[item])
    assert depth >= 4
    order = """
        insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit, planned_start)
        values (%s, %s, 12, 'EA', %s)
    """
    lines = """
        select bom_path, component_code, required from artery_erp.manufacturing_order_line
        where mo_no = %s
    """

    loaded.execute(order, ("MO-1", item, at))
    loaded.execute("select artery_erp.release_manufacturing_order('MO-1')")
    frozen = sorted((tuple(p), c, r) for p, c, r in loaded.execute(lines, ("MO-1",)))
    assert frozen == sorted(
        (path, component, structure.required(component, amount))
        for path, component, amount in tree[item]
        if len(path) == 1
    )

    # made in one go: every assembly below is a phantom, and the order takes the leaves
    loaded.execute(
        """
        update artery_erp.bom_line as l set phantom = true
        from artery_erp.bom as b
        where b.item_code = l.component_code and exists (
            select from artery_erp.bom_line as x where x.bom_id = b.id and x.effectivity @> %s
        )
        """,
        (at,),
    )
    loaded.execute(order, ("MO-2", item, at))
    loaded.execute(
        "update artery_erp.manufacturing_order set status = 'released' where mo_no = 'MO-2'"
    )
    frozen = sorted((tuple(p), c, r) for p, c, r in loaded.execute(lines, ("MO-2",)))
    assert frozen == sorted(
        (path, component, structure.required(component, amount))
        for path, component, amount in tree[item]
        if not structure.has_lines(component, at)
    )
    assert max(len(path) for path, _, _ in frozen) == depth
