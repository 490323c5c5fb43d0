"""A real product structure, exploded and frozen, against an explosion written here in Python."""

from __future__ import annotations

import csv
import os
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

# Inclusive ends become exclusive ones: the next revision of a line starts the day after.
LOAD = """
insert into artery_erp.unit (code, name, dimension, whole_number)
select unit_measure_code, name, 'other', unit_measure_code = 'EA' from unit_measure;

insert into artery_erp.item (code, name, status, source, stock_unit, standard_cost)
select
    p.product_number, p.name, 'released',
    case p.make_flag when '1' then 'make' else 'buy' end,
    coalesce((
        select min(b.unit_measure_code) from bill_of_materials as b
        where b.component_id = p.product_id
    ), 'EA'),
    nullif(p.standard_cost::numeric, 0)
from product as p;

insert into artery_erp.bom (item_code, revision, status, unit)
select distinct p.product_number, '1', 'released', i.stock_unit
from bill_of_materials as b
join product as p on p.product_id = b.product_assembly_id
join artery_erp.item as i on i.code = p.product_number;

insert into artery_erp.bom_line (
    bom_id, line_no, component_code, quantity, unit, scrap_rate, effectivity
)
select
    h.id, 10 * row_number() over (partition by h.id order by b.bill_of_materials_id::int),
    c.product_number, b.per_assembly_qty::numeric, b.unit_measure_code,
    (b.bill_of_materials_id::int % 4) * 0.0125,
    tstzrange(
        b.start_date::timestamp at time zone 'UTC',
        nullif(b.end_date, '')::timestamp at time zone 'UTC' + interval '1 day'
    )
from bill_of_materials as b
join product as p on p.product_id = b.product_assembly_id
join product as c on c.product_id = b.component_id
join artery_erp.bom as h on h.item_code = p.product_number;
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


@pytest.fixture
def loaded(conn: psycopg.Connection) -> psycopg.Connection:
    for name in ("unit_measure", "product", "bill_of_materials"):
        rows = read(name)
        columns = ", ".join(f"{column} text" for column in rows[0])
        conn.execute(f"create temp table {name} ({columns})".encode())
        with conn.cursor().copy(f"copy {name} from stdin".encode()) as copy:
            for row in rows:
                copy.write_row(tuple(row.values()))
    conn.execute(LOAD.encode())
    return conn


def test_every_line_is_there(loaded: psycopg.Connection, structure: Structure) -> None:
    row = loaded.execute(
        "select (select count(*) from artery_erp.bom), (select count(*) from artery_erp.bom_line)"
    ).fetchone()
    assert row == (len(structure.lines), sum(map(len, structure.lines.values())))
    assert row[0] == 238


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
