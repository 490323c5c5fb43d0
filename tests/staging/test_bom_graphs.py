"""Random structures, with and without circles, against networkx; real ones from MESA's samples."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SHARED = Path(os.environ.get("ARTERY_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
B2MML = SHARED / "b2mml"
needs_b2mml = pytest.mark.skipif(
    not B2MML.is_dir(), reason="the sample data is absent (set ARTERY_SHARED_DATA to its folder)"
)

NODES = [f"N{n}" for n in range(8)]
# parent, component, first and last year in which the line is in force
EDGES = st.lists(
    st.tuples(st.sampled_from(NODES), st.sampled_from(NODES), st.integers(0, 3), st.integers(1, 3)),
    max_size=14,
)
Edge = tuple[str, str, int, int]


def years(edges: list[Edge]) -> list[nx.DiGraph]:
    """The graph of each year; a circle may be closed in one and open in the others."""
    return [
        nx.DiGraph([(p, c) for p, c, first, span in edges if first <= year < first + span])
        for year in range(7)
    ]


def acyclic(edges: list[Edge]) -> bool:
    return all(nx.is_directed_acyclic_graph(graph) for graph in years(edges))


def as_message(edges: list[Edge]) -> dict[str, Any]:
    return {
        "boms": [
            {
                "item": parent,
                "revision": "A",
                "unit": "EA",
                "lines": [
                    {
                        "component": child,
                        "quantity": 1,
                        "unit": "EA",
                        "valid_from": f"20{30 + first}-01-01",
                        "valid_to": f"20{30 + first + span}-01-01",
                    }
                    for p, child, first, span in edges
                    if p == parent
                ],
            }
            for parent in sorted({edge[0] for edge in edges})
        ],
        "lines": [],
    }


def test_circles_are_found_where_and_when_there_are_any(
    conn: psycopg.Connection, request: pytest.FixtureRequest
) -> None:
    conn.execute("insert into artery_erp.unit values ('EA', 'Each', 'count', true)")

    @settings(
        max_examples=1000 if request.config.getoption("--long") else 120,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(EDGES, EDGES)
    def check(live: list[Edge], proposed: list[Edge]) -> None:
        conn.execute("delete from artery_erp.bom; delete from artery_staging.plm_bom")
        stored: list[Edge] = []
        for step in (live, proposed):
            parents = {edge[0] for edge in step}
            after = [edge for edge in stored if edge[0] not in parents] + step
            row = conn.execute(
                "select artery_api_v1.import_bom(%s)", (json.dumps(as_message(step)),)
            )
            answer = row.fetchone()[0]  # type: ignore[index]
            assert (answer["status"] == "processed") == acyclic(after), (step, stored, answer)
            if answer["status"] == "processed":
                stored = after
                continue
            (reason,) = answer["reasons"]
            assert reason["code"] == "IN209"
            path = reason["message"].split(": ")[1].split(" > ")
            assert path[0] == path[-1]
            at = int(reason["hint"].split("It does at 20")[1][:2]) - 30
            assert all(years(after)[at].has_edge(a, b) for a, b in pairwise(path)), reason

    check()


def test_deep_and_wide_structures_are_no_trouble(conn: psycopg.Connection) -> None:
    conn.execute("insert into artery_erp.unit values ('EA', 'Each', 'count', true)")

    def lines(pairs: list[tuple[str, str]]) -> dict[str, Any]:
        more = {"quantity": 1, "unit": "EA"}
        return {
            "items": [{"code": "D0", "unit": "EA"}],
            "lines": [{"parent": a, "component": b, **more} for a, b in pairs],
        }

    chain = [(f"D{n}", f"D{n + 1}") for n in range(1500)]
    answer = conn.execute("select artery_api_v1.import_bom(%s)", (json.dumps(lines(chain)),))
    assert answer.fetchone()[0]["status"] == "processed"  # type: ignore[index]
    closing = json.dumps(lines([("D1500", "D0")]))
    row = conn.execute("select artery_api_v1.import_bom(%s)", (closing,)).fetchone()
    assert row
    assert row[0]["reasons"][0]["message"].count(" > ") == 1501


def _import_xml(conn: psycopg.Connection, name: str) -> dict[str, Any]:
    if conn.info.server_version >= 180000:
        try:
            conn.execute("select '<a/>'::xml")
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this PostgreSQL was built without libxml")
    conn.execute("insert into artery_erp.unit values ('KG', 'Kilogram', 'mass', false)")
    text = (B2MML / name).read_text(encoding="utf-8")
    row = conn.execute("select artery_api_v1.import_bom_xml(%s)", (text,)).fetchone()
    assert row
    assert row[0]["status"] == "processed", row[0]
    return row[0]["result"]


@needs_b2mml
def test_b2mml_production_schedule_keeps_the_component_that_comes_twice(
    conn: psycopg.Connection,
) -> None:
    result = _import_xml(conn, "PRO-20121210181416-27942.xml")
    assert (result["created"], result["lines"]) == (1, 4)
    assert conn.execute(
        "select b.item_code, b.base_quantity, l.line_no, l.component_code, l.quantity::text,"
        " l.unit, l.operation_no, o.name from artery_erp.bom as b"
        " join artery_erp.bom_line as l on l.bom_id = b.id"
        " left join artery_erp.bom_operation as o"
        " on o.bom_id = b.id and o.operation_no = l.operation_no order by l.line_no"
    ).fetchall() == [
        ("SO1215", 1, 10, "CRBN0001", "5.000", "KG", 10, "Weighing"),
        ("SO1215", 1, 20, "CRBN0002", "50.000", "KG", 10, "Weighing"),
        ("SO1215", 1, 30, "CRBN0001", "811.000", "KG", 10, "Weighing"),
        ("SO1215", 1, 40, "CRBN0003", "100.000", "KG", 10, "Weighing"),
    ]


@needs_b2mml
def test_b2mml_material_definition(conn: psycopg.Connection) -> None:
    result = _import_xml(conn, "MAT-20121210170256-CRBN0001.xml")
    assert result["drafts"] == ["CRBN0001"]
    assert conn.execute(
        "select code, name, status, stock_unit from artery_erp.item"
    ).fetchall() == [("CRBN0001", "Product Courbon0001", "draft", "KG")]


V0700 = """<?xml version="1.0"?>
<b:ProcessOperationsSchedule xmlns:b="http://www.mesa.org/xml/B2MML"><b:OperationsRequest>
 <b:SegmentRequirement><b:ID>0020</b:ID>
  <b:MaterialRequirement><b:MaterialDefinitionID>MIX</b:MaterialDefinitionID>
   <b:MaterialUse>Produced</b:MaterialUse><b:Quantity><b:QuantityString>10</b:QuantityString>
   <b:UnitOfMeasure>KG</b:UnitOfMeasure></b:Quantity></b:MaterialRequirement>
  <b:MaterialRequirement><b:MaterialDefinitionID>SALT</b:MaterialDefinitionID>
   <b:MaterialUse>Consumed</b:MaterialUse><b:Quantity><b:QuantityString>2.5</b:QuantityString>
   <b:UnitOfMeasure>KG</b:UnitOfMeasure></b:Quantity></b:MaterialRequirement>
 </b:SegmentRequirement></b:OperationsRequest></b:ProcessOperationsSchedule>
"""


def test_b2mml_of_another_version(conn: psycopg.Connection, tmp_path: Path) -> None:
    (tmp_path / "v0700.xml").write_text(V0700)
    result = _import_xml(conn, str(tmp_path / "v0700.xml"))
    assert result["lines"] == 1
    assert conn.execute(
        "select component_code, quantity::text, operation_no from artery_erp.bom_line"
    ).fetchall() == [("SALT", "2.5", 20)]
