"""Random product structures, with and without cycles, against a reference model (networkx).

Quantities are whole and base quantities powers of two, so that the model's fractions are exact and
no requirement is rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import networkx as nx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

pytestmark = pytest.mark.one_server

ITEMS = [f"P{number}" for number in range(9)]

# parent, component, quantity, base quantity of the parent is drawn beside
lines = st.lists(
    st.tuples(st.sampled_from(ITEMS), st.sampled_from(ITEMS), st.integers(1, 9)),
    min_size=1,
    max_size=16,
)
bases = st.lists(st.sampled_from([1, 2, 4]), min_size=len(ITEMS), max_size=len(ITEMS))
prices = st.lists(
    st.one_of(st.none(), st.integers(0, 50)), min_size=len(ITEMS), max_size=len(ITEMS)
)

SETUP = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('KG', 'kilogram', 'mass', false);
"""


def structure(drawn: list[tuple[str, str, int]]) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(ITEMS)
    for number, (parent, component, quantity) in enumerate(drawn):
        graph.add_edge(parent, component, key=10 * (number + 1), quantity=quantity)
    return graph


def write(conn: psycopg.Connection, graph: nx.MultiDiGraph, base: list[int], price: list) -> None:
    """Write the structure over the one before, in the caller's transaction."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into artery_erp.item (code, name, status, source, stock_unit, standard_cost) "
            "values (%s, 'part', 'released', 'make', 'KG', %s)",
            list(zip(ITEMS, price, strict=True)),
        )
        cursor.executemany(
            "insert into artery_erp.bom (item_code, revision, status, unit, base_quantity) "
            "values (%s, 'A', 'released', 'KG', %s)",
            [(item, base[ITEMS.index(item)]) for item in ITEMS if graph.out_degree(item)],
        )
        cursor.executemany(
            "insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit) "
            "select b.id, %s, %s, %s, 'KG' from artery_erp.bom as b where b.item_code = %s",
            [(key, child, data["quantity"], parent) for parent, child, key, data in
             graph.edges(keys=True, data=True)],
        )  # fmt: skip


def ways(
    graph: nx.MultiDiGraph, base: list[int], item: str, amount: Fraction, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Fraction]]:
    """Give every way down from an item; a way that closes a cycle ends there."""
    for _, child, data in graph.out_edges(item, data=True):
        here = amount * data["quantity"] / base[ITEMS.index(item)]
        yield (*path, child), here
        if child not in path:
            yield from ways(graph, base, child, here, (*path, child))


def as_decimal(amount: Fraction) -> Decimal:
    return Decimal(amount.numerator) / Decimal(amount.denominator)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=lines, base=bases, price=prices)
def test_explosion_where_used_and_costs(conn: psycopg.Connection, drawn, base, price) -> None:
    graph = structure(drawn)
    with conn.transaction(force_rollback=True):
        conn.execute(SETUP.encode())
        write(conn, graph, base, price)

        quantity = 2**20  # what is divided by a base on each level stays whole
        down: dict[str, Counter] = {}
        for item in ITEMS:
            found = conn.execute(
                "select e.path, e.required from artery_erp.bom_explosion(%s, %s) as e",
                (item, quantity),
            ).fetchall()
            down[item] = Counter(
                (" > ".join(path), as_decimal(amount))
                for path, amount in ways(graph, base, item, Fraction(quantity), (item,))
            )
            assert Counter(found) == down[item]

        acyclic = nx.is_directed_acyclic_graph(graph)
        for item in ITEMS:
            once = {
                code
                for (code,) in conn.execute(
                    "select w.item_code from artery_erp.where_used_items(%s) as w", (item,)
                )
            }
            # an item of a cycle is above itself
            expected = nx.ancestors(graph, item) | (
                {item}
                if any(item in nx.descendants(graph, c) | {c} for c in graph[item])
                else set()
            )
            assert once == expected
            if acyclic:
                up = Counter(
                    (" > ".join(reversed(path.split(" < "))), required)
                    for path, required in conn.execute(
                        "select w.path, w.required from artery_erp.where_used(%s, %s) as w",
                        (item, quantity),
                    )
                )
                assert up == Counter(
                    (path, amount)
                    for counted in down.values()
                    for path, amount in counted.elements()
                    if path.split(" > ")[-1] == item
                )

        conn.execute("select artery_plm.roll_up_costs('infinity')")
        costs = dict(
            conn.execute(
                "select c.item_code, c.unit_cost from artery_erp.item_cost as c"
            ).fetchall()
        )
        assert costs == model_costs(graph, base, price)


def model_costs(graph: nx.MultiDiGraph, base: list[int], price: list) -> dict[str, Decimal | None]:
    """Cost from the bottom up; unknown where anything below is, or an item below itself."""
    looping = {
        item for component in nx.strongly_connected_components(graph) for item in component
        if len(component) > 1 or graph.has_edge(item, item)
    }  # fmt: skip
    unknown = looping | {above for item in looping for above in nx.ancestors(graph, item)}
    costs: dict[str, Decimal | None] = dict.fromkeys(unknown)
    rest = graph.subgraph(set(ITEMS) - unknown)
    for item in reversed(list(nx.topological_sort(rest))):
        own = price[ITEMS.index(item)]
        if not graph.out_degree(item):
            costs[item] = None if own is None else Decimal(own)
            continue
        parts = [
            (costs[child], data["quantity"]) for _, child, data in graph.out_edges(item, data=True)
        ]
        if any(cost is None for cost, _ in parts):
            costs[item] = None
        else:
            total = sum((cost * amount for cost, amount in parts if cost is not None), Decimal(0))
            costs[item] = (total / base[ITEMS.index(item)]).quantize(Decimal("1e-8"), ROUND_HALF_UP)
    return costs


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=lines, item=st.sampled_from(ITEMS), component=st.sampled_from(ITEMS))
def test_a_change_never_closes_a_cycle(
    conn: psycopg.Connection, drawn, item: str, component: str
) -> None:
    graph = structure([line for line in drawn if ITEMS.index(line[0]) < ITEMS.index(line[1])])
    graph.add_edge(item, "LEAF", key=990, quantity=1)
    closes = item == component or item in nx.descendants(graph, component)
    with conn.transaction(force_rollback=True):
        conn.execute(SETUP.encode())
        conn.execute(
            "insert into artery_erp.item (code, name, status, source, stock_unit) "
            "values ('LEAF', 'leaf', 'released', 'buy', 'KG')"
        )
        write(conn, graph, [1] * len(ITEMS), [1] * len(ITEMS))
        ecn = {
            "ecn_no": "E1", "status": "approved", "title": "more",
            "boms": [{"item": item, "base_revision": "A", "lines": [
                {"action": "add", "line_no": 999, "component": component, "quantity": 1,
                 "unit": "KG"}
            ]}],
        }  # fmt: skip
        answer = conn.execute("select artery_plm.create_eco(%s)", (Jsonb(ecn),)).fetchone()[0]
        if not closes:
            assert answer["status"] == "submitted"
            return
        (reason,) = answer["reasons"]
        assert reason["code"] == "IN105"
        path = reason["message"].split(": ")[1].split(" > ")
        assert (path[0], path[1], path[-1]) == (item, component, item)
        assert all(graph.has_edge(a, b) for a, b in pairwise(path[1:]))


def test_a_changed_cost_is_told_and_an_unchanged_one_is_not(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into artery_erp.unit (code, name, dimension) values ('EA', 'piece', 'count');"
        "insert into artery_erp.item (code, name, status, source, stock_unit, standard_cost)"
        " values ('A', 'a', 'released', 'buy', 'EA', 1)"
    )
    conn.execute("listen cost_roll_up_channel")
    for cost in (1, 2, 2, 3):
        conn.execute("update artery_erp.item set standard_cost = %s where code = 'A'", [cost])
    assert len(list(conn.notifies(timeout=0.2))) == 2
