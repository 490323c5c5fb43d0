"""The dated changes of a real product structure, each replayed as an engineering change.

Each assembly begins with the lines of its first day. Whatever begins or ends later comes as an ECN
for that day: a component whose row ends the day before another begins is a changed line, the rest
are lines that are added and removed. At the end every explosion on every day is that of the dated
rows themselves, exploded here in Python.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import psycopg
import pytest
from psycopg.types.json import Jsonb
from test_adventureworks import FOLDER, read

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.one_server,
    pytest.mark.skipif(
        not FOLDER.is_dir(),
        reason="the sample data is absent (set ARTERY_SHARED_DATA to its folder)",
    ),
]

# units and complete items; the structures come as the test says
ITEMS = """
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
"""


@dataclass(frozen=True)
class Row:
    component: str
    quantity: str
    unit: str
    start: datetime
    end: datetime | None  # exclusive

    def holds(self, day: datetime) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


def rows_by_assembly() -> dict[str, list[Row]]:
    products = {row["product_id"]: row["product_number"] for row in read("product")}
    found: dict[str, list[Row]] = defaultdict(list)
    for row in read("bill_of_materials"):
        if not row["product_assembly_id"]:
            continue
        end = row["end_date"]
        found[products[row["product_assembly_id"]]].append(
            Row(
                products[row["component_id"]],
                row["per_assembly_qty"],
                row["unit_measure_code"],
                datetime.fromisoformat(row["start_date"]).replace(tzinfo=UTC),
                datetime.fromisoformat(end).replace(tzinfo=UTC) + timedelta(days=1)
                if end
                else None,
            )
        )
    return found


def days(rows: list[Row]) -> list[datetime]:
    return sorted({row.start for row in rows} | {row.end for row in rows if row.end})


class Replay:
    """One assembly as revisions: the first as it was, then an ECN a day."""

    def __init__(self, item: str, rows: list[Row]) -> None:
        self.item = item
        self.rows = rows
        self.revision = 1
        self.lines: dict[int, Row] = {}
        first, *self.later = days(rows)
        for number, row in enumerate((row for row in rows if row.start == first), start=1):
            self.lines[10 * number] = row
        self.first = first
        self.next_line = 10 * (len(self.lines) + 1)

    def ecns(self) -> Iterator[dict[str, object]]:
        for day in self.later:
            ending = {no: row for no, row in self.lines.items() if row.end == day}
            coming = [row for row in self.rows if row.start == day]
            changes: list[dict[str, object]] = []
            for number, old in ending.items():
                new = next((row for row in coming if row.component == old.component), None)
                if new is None:
                    changes.append({"action": "remove", "line_no": number})
                    del self.lines[number]
                    continue
                coming.remove(new)
                self.lines[number] = new
                changes.append(
                    {
                        "action": "change",
                        "line_no": number,
                        "quantity": new.quantity,
                        "unit": new.unit,
                    }
                )
            for row in coming:
                changes.append(
                    {
                        "action": "add",
                        "line_no": self.next_line,
                        "component": row.component,
                        "quantity": row.quantity,
                        "unit": row.unit,
                    }
                )
                self.lines[self.next_line] = row
                self.next_line += 10
            yield {
                "ecn_no": f"{self.item}.{self.revision + 1}",
                "source": "replay",
                "status": "approved",
                "title": f"as of {day:%Y-%m-%d}",
                "effectivity": {"kind": "date", "at": day.isoformat()},
                "boms": [
                    {
                        "item": self.item,
                        "base_revision": str(self.revision),
                        "new_revision": str(self.revision + 1),
                        "lines": changes,
                    }
                ],
            }
            self.revision += 1


def explode(
    rows: dict[str, list[Row]], item: str, quantity: Fraction, day: datetime, path: str
) -> Iterator[tuple[str, Fraction]]:
    for row in rows.get(item, []):
        if row.holds(day):
            here, amount = f"{path} > {row.component}", quantity * Fraction(row.quantity)
            yield here, amount
            yield from explode(rows, row.component, amount, day, here)


@pytest.fixture
def loaded(conn: psycopg.Connection) -> psycopg.Connection:
    for name in ("unit_measure", "product", "bill_of_materials"):
        rows = read(name)
        columns = ", ".join(f"{column} text" for column in rows[0])
        conn.execute(f"create temp table {name} ({columns})".encode())
        with conn.cursor().copy(f"copy {name} from stdin".encode()) as copy:
            for row in rows:
                copy.write_row(tuple(row.values()))
    conn.execute(ITEMS.encode())
    return conn


def test_every_dated_change_replays_as_an_ecn(
    loaded: psycopg.Connection, pytestconfig: pytest.Config
) -> None:
    if not pytestconfig.getoption("--long"):
        pytest.skip("1,554 changes take a minute or more: --long")
    rows = rows_by_assembly()
    pairs = Counter((item, row.component) for item, found in rows.items() for row in found)
    dated = {
        (item, row.component)
        for item, found in rows.items()
        for row in found
        if row.end or pairs[item, row.component] > 1
    }
    assert len(rows) == 238
    assert len(dated) >= 185

    replayed, changed = 0, set()
    for item, found in rows.items():
        replay = Replay(item, found)
        with loaded.transaction():
            loaded.execute(
                """
                insert into artery_erp.bom (item_code, revision, status, unit, effectivity)
                select i.code, '1', 'released', i.stock_unit, tstzrange(%s, null)
                from artery_erp.item as i where i.code = %s
                """,
                (replay.first, item),
            )
            with loaded.cursor() as cursor:
                cursor.executemany(
                    """
                    insert into artery_erp.bom_line (
                        bom_id, line_no, component_code, quantity, unit
                    )
                    select b.id, %s, %s, %s, %s from artery_erp.bom as b where b.item_code = %s
                    """,
                    [
                        (no, row.component, row.quantity, row.unit, item)
                        for no, row in replay.lines.items()
                    ],
                )
            for ecn in replay.ecns():
                answer = loaded.execute(
                    "select artery_api_v1.submit_ecn(%s)", (Jsonb(ecn),)
                ).fetchone()[0]
                assert answer["status"] == "processed", answer
                number = answer["result"]["eco_no"]
                for status in ("approved", "scheduled"):
                    reached = loaded.execute(
                        "select artery_plm.set_eco_status(%s, %s)", (number, status)
                    ).fetchone()
                assert reached == ("implemented",)
                replayed += 1
            changed |= {
                (item, component)
                for (component,) in loaded.execute(
                    "select l.component_code from artery_erp.engineering_change_line as l "
                    "where l.item_code = %s",
                    (item,),
                )
            }
    assert dated <= changed
    assert replayed > 0
    (number,) = loaded.execute(
        "select count(*) from artery_erp.engineering_change_order where status = 'implemented'"
    ).fetchone()
    assert number == replayed

    loaded.execute("analyze")
    every_day = sorted({day for found in rows.values() for day in days(found)})
    checked = [*every_day[:: max(1, len(every_day) // 6)], every_day[-1] + timedelta(days=1)]
    quantity = Decimal(1000)
    for day in checked:
        ours: dict[str, Counter[tuple[str, Decimal]]] = defaultdict(Counter)
        for item, path, required in loaded.execute(
            """
            select b.item_code, e.path, e.required
            from (select distinct x.item_code from artery_erp.bom as x) as b
            cross join lateral artery_erp.bom_explosion(b.item_code, %s, %s) as e
            """,
            (quantity, day),
        ):
            ours[item][path, required] += 1
        for item in rows:
            # 1,000 of anything come to whole pieces: nothing is rounded
            expected = Counter(
                (path, Decimal(amount.numerator) / Decimal(amount.denominator))
                for path, amount in explode(rows, item, Fraction(quantity), day, item)
            )
            assert ours[item] == expected, (item, day)
