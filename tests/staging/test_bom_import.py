"""BOMs come in whole or not at all, in three forms and two languages, with every reason at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

Connect = Callable[..., psycopg.Connection]
Json = dict[str, Any]
Import = Callable[..., Json]

UNITS = """
    insert into artery_erp.unit (code, name, dimension, whole_number) values
    ('EA', 'Each', 'count', true), ('KG', 'Kilogram', 'mass', false), ('G', 'Gram', 'mass', false),
    ('M', 'Metre', 'length', false);
    insert into artery_erp.unit_conversion (from_quantity, from_unit, to_quantity, to_unit)
    values (1000, 'G', 1, 'KG');
"""


@pytest.fixture
def units(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(UNITS)
    return conn


@pytest.fixture
def send(units: psycopg.Connection) -> Import:
    numbers = iter(range(1, 10**6))

    def put(message: Json | str, connection: psycopg.Connection | None = None) -> Json:
        connection = connection or units
        if isinstance(message, str):
            row = connection.execute("select artery_api_v1.import_bom_xml(%s)", (message,))
        else:
            whole = {"source": "plm", "message_id": f"m{next(numbers)}", **message}
            row = connection.execute("select artery_api_v1.import_bom(%s)", (json.dumps(whole),))
        answer = row.fetchone()
        assert answer
        return answer[0]

    return put


def bom(item: str, *lines: Json | tuple[str, Any], **more: Any) -> Json:
    return {
        "item": item,
        "unit": "EA",
        "lines": [
            line
            if isinstance(line, dict)
            else {"component": line[0], "quantity": line[1], "unit": "EA"}
            for line in lines
        ],
        **more,
    }


def message(*boms: Json, **more: Any) -> Json:
    return {"boms": list(boms), **more}


def codes(answer: Json) -> list[str]:
    assert answer["status"] == "rejected", answer
    assert all(r["message"] and r["code"] for r in answer["reasons"])
    return sorted(reason["code"] for reason in answer["reasons"])


def lines_of(conn: psycopg.Connection, item: str) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select b.revision, l.line_no, l.component_code, l.quantity::text from artery_erp.bom as b"
        " join artery_erp.bom_line as l on l.bom_id = b.id where b.item_code = %s order by 1, 2",
        (item,),
    ).fetchall()


def scratch_is_empty(conn: psycopg.Connection) -> bool:
    row = conn.execute(
        "select exists (select from artery_plm.bom_import_row)"
        " or exists (select from artery_plm.bom_import_edge)"
    ).fetchone()
    return row == (False,)


FULL = message(
    bom(
        "PCB-1",
        {
            "component": "R100",
            "quantity": 2,
            "unit": "EA",
            "scrap_rate": "0.05",
            "operation_no": "0010",
            "issue_method": "issue",
            "designators": ["R2", "R1"],
            "substitutes": [{"component": "R100B", "ratio": "1.0"}, {"component": "R100C"}],
        },
        {"component": "GLUE", "quantity": "0.250", "unit": "KG", "operation_no": 20},
        {"component": "R100", "quantity": 1, "unit": "EA", "line_no": 50, "phantom": True},
        revision="A",
        base_quantity="10",
        valid_from="2026-01-01",
        valid_to="2026-12-31",
        operations=[{"operation_no": 10, "name": "SMT", "work_center": "W1", "run_minutes": 2}],
    ),
    items=[{"code": "R100", "name": "Resistor", "unit": "EA", "source": "buy"}],
    inclusive_ends=True,
)


def test_everything_of_a_line_arrives(units: psycopg.Connection, send: Import) -> None:
    answer = send(FULL)
    assert answer["status"] == "processed", answer
    assert answer["result"]["created"] == 1
    assert answer["result"]["drafts"] == ["GLUE", "PCB-1", "R100", "R100B", "R100C"]
    assert units.execute(
        "select revision, status, base_quantity, unit, lower(effectivity) = '2026-01-01Z',"
        " upper(effectivity) = '2027-01-01Z' from artery_erp.bom"
    ).fetchall() == [("A", "released", 10, "EA", True, True)]
    assert units.execute(
        "select line_no, component_code, quantity::text, unit, scrap_rate::text, issue_method,"
        " operation_no, phantom from artery_erp.bom_line order by line_no"
    ).fetchall() == [
        (50, "R100", "1", "EA", "0", "backflush", None, True),
        (60, "R100", "2", "EA", "0.05", "issue", 10, False),
        (70, "GLUE", "0.250", "KG", "0", "backflush", 20, False),
    ]
    assert units.execute(
        "select operation_no, name, run_minutes::text from artery_erp.bom_operation order by 1"
    ).fetchall() == [(10, "SMT", "2"), (20, None, "0")]
    assert units.execute(
        "select designator from artery_erp.bom_line_designator order by 1"
    ).fetchall() == [("R1",), ("R2",)]
    assert units.execute(
        "select priority, component_code from artery_erp.bom_line_substitute order by 1"
    ).fetchall() == [(1, "R100B"), (2, "R100C")]
    assert units.execute(
        "select code, name, status, source, stock_unit from artery_erp.item order by code limit 3"
    ).fetchall() == [
        ("GLUE", None, "draft", None, "KG"),
        ("PCB-1", None, "draft", "make", "EA"),
        ("R100", "Resistor", "draft", "buy", "EA"),
    ]
    assert scratch_is_empty(units)


def test_a_draft_cannot_be_produced(units: psycopg.Connection, send: Import) -> None:
    send(message(bom("P", ("C", 1))))
    units.execute(
        "insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit)"
        " values ('MO-1', 'P', 1, 'EA')"
    )
    with pytest.raises(psycopg.Error) as caught:
        units.execute("select artery_erp.release_manufacturing_order('MO-1')")
    assert caught.value.sqlstate == "IN104"
    # a later message completes it as far as it goes, and never what is released
    units.execute(
        "update artery_erp.item set status = 'released', name = 'Ours', source = 'buy'"
        " where code = 'C'"
    )
    send({"items": [{"code": "P", "name": "Pump"}, {"code": "C", "name": "Theirs"}]})
    assert units.execute("select name from artery_erp.item order by code").fetchall() == [
        ("Ours",),
        ("Pump",),
    ]


def test_again_is_a_no_op_and_a_change_a_diff(units: psycopg.Connection, send: Import) -> None:
    send(FULL)
    before = units.execute("select l.*, l.ctid from artery_erp.bom_line as l").fetchall()
    again = send(FULL)["result"]
    assert (again["unchanged"], again["changes"], again["drafts"]) == (1, [], [])
    assert units.execute("select l.*, l.ctid from artery_erp.bom_line as l").fetchall() == before
    changed = json.loads(json.dumps(FULL))
    lines = changed["boms"][0]["lines"]
    lines[0]["line_no"], lines[0]["scrap_rate"] = 60, 0.1
    lines[1] = {"component": "TAPE", "quantity": 3, "unit": "M", "line_no": 80}
    changed["boms"][0]["base_quantity"] = 20
    result = send(changed)["result"]
    (change,) = result["changes"]
    assert (change["action"], change["revision"]) == ("updated", "A")
    assert change["diff"]["header"] == {"base_quantity": 20}
    assert change["diff"]["lines"][0] == {
        "line_no": 60,
        "change": "changed",
        "from": {"scrap_rate": 0.05},
        "to": {"scrap_rate": 0.1},
    }
    assert [(d["line_no"], d["change"]) for d in change["diff"]["lines"]] == [
        (60, "changed"),
        (70, "removed"),
        (80, "added"),
    ]
    assert [line[1:3] for line in lines_of(units, "PCB-1")] == [
        (50, "R100"),
        (60, "R100"),
        (80, "TAPE"),
    ]
    designators = "select count(*) from artery_erp.bom_line_designator"
    assert units.execute(designators).fetchone() == (2,)
    assert send(changed)["result"]["unchanged"] == 1


def test_other_lines_without_a_revision_are_the_next_one(
    units: psycopg.Connection, send: Import
) -> None:
    assert send(message(bom("P", ("C", 1))))["result"]["created"] == 1
    assert send(message(bom("P", ("C", 1))))["result"]["unchanged"] == 1
    result = send(message(bom("P", ("C", 2))))["result"]
    assert result["changes"] == [{"item": "P", "revision": "2", "action": "created"}]
    assert lines_of(units, "P") == [("1", 10, "C", "1"), ("2", 10, "C", "2")]
    assert units.execute(
        "select revision from artery_erp.effective_bom('P', clock_timestamp())"
    ).fetchall() == [("2",)]
    # dated ones take their place before, between and after
    for revision, start in (("4", "2030-01-01"), ("3", "2029-01-01")):
        send(message(bom("P", ("C", 3), revision=revision, valid_from=start)))
    assert units.execute(
        "select revision, upper(effectivity)::date::text from artery_erp.bom"
        " where lower(effectivity) > now() order by 1"
    ).fetchall() == [("3", "2030-01-01"), ("4", None)]
    overlap = message(
        bom("P", ("C", 3), revision="5", valid_from="2029-06-01", valid_to="2031-01-01")
    )
    assert codes(send(overlap)) == ["IN211"]


def test_a_source_may_be_kept_from_changing_revisions(
    units: psycopg.Connection, send: Import
) -> None:
    units.execute("insert into artery_plm.bom_source (source, on_change) values ('plm', 'reject')")
    send(message(bom("P", ("C", 1), revision="A")))
    assert codes(send(message(bom("P", ("C", 2), revision="A")))) == ["IN212"]
    assert send(message(bom("P", ("C", 2), revision="B", valid_from="2030-01-01")))["result"]


FLAT = {
    "lines": [
        {"parent": "TOP", "component": "SUB", "quantity": 2, "unit": "EA"},
        {"parent": "TOP", "component": "SCREW", "quantity": 4, "unit": "EA"},
        {"parent": "SUB", "component": "SCREW", "quantity": 3, "unit": "EA"},
    ],
    "items": [{"code": "TOP", "unit": "EA"}],
}
INDENTED = {
    "lines": [
        {"level": 0, "component": "TOP", "unit": "EA"},
        {"level": "1", "component": "SUB", "quantity": 2, "unit": "EA"},
        {"level": 2, "component": "SCREW", "quantity": 3, "unit": "EA"},
        {"level": 1, "component": "SCREW", "quantity": 4, "unit": "EA"},
    ]
}
NESTED = message(bom("TOP", ("SUB", 2), ("SCREW", 4)), bom("SUB", ("SCREW", 3)))
GENERIC = """<?xml version="1.0"?>
<bom_message>
  <bom item="TOP" unit="EA">
    <line component="SUB" quantity="2" unit="EA"/><line component="SCREW" quantity="4" unit="EA"/>
  </bom>
  <bom item="SUB"><line component="SCREW" quantity="3" unit="EA"/></bom>
</bom_message>
"""


def test_three_forms_are_one_structure(units: psycopg.Connection, send: Import) -> None:
    for first in (NESTED, FLAT, INDENTED):
        assert send(first)["result"]["created"] == 2
        for other in (NESTED, FLAT, INDENTED):
            assert send(other)["result"]["unchanged"] == 2
        assert lines_of(units, "SUB") == [("1", 10, "SCREW", "3")]
        units.execute("delete from artery_erp.bom; delete from artery_erp.item")


def xml_or_skip(conn: psycopg.Connection) -> None:
    try:
        conn.execute("select '<a/>'::xml")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this PostgreSQL was built without libxml")


def test_xml_is_the_same_structure_too(units: psycopg.Connection, send: Import) -> None:
    xml_or_skip(units)
    assert send(GENERIC)["result"]["created"] == 2
    assert send(NESTED)["result"]["unchanged"] == 2
    full = """<bom_message><item code="R100" name="Resistor" unit="EA" source="buy"/>
      <bom item="PCB-1" revision="A" unit="EA" base_quantity="10">
        <line line_no="50" component="R100" quantity="1" unit="EA" phantom="true"/>
        <line component="R100" quantity="2" unit="EA" scrap_rate="0.05" operation_no="10"
              issue_method="issue"><designator>R1</designator><designator>R2</designator>
          <substitute component="R100B" ratio="1.0"/><substitute component="R100C"/></line>
      </bom></bom_message>"""
    assert send(full)["result"]["created"] == 1
    assert units.execute(
        "select string_agg(designator, ',') from artery_erp.bom_line_designator"
    ).fetchone() == ("R1,R2",)
    assert units.execute(
        "select priority, component_code from artery_erp.bom_line_substitute order by 1"
    ).fetchall() == [(1, "R100B"), (2, "R100C")]
    assert send(full)["id"] == send(full)["id"]


def test_without_libxml_it_says_so(units: psycopg.Connection, send: Import) -> None:
    try:
        xml_or_skip(units)
    except pytest.skip.Exception:
        answer = send(GENERIC)
        assert codes(answer) == ["IN201"]
        assert "libxml" in answer["reasons"][0]["hint"]
    else:
        pytest.skip("this PostgreSQL has libxml")


BAD: dict[str, tuple[Json | str, list[str]]] = {
    "no json": ("[1, 2", ["IN201"]),
    "nan": ('{"boms": [{"item": "P", "lines": [{"component": "C", "quantity": NaN}]}]}', ["IN201"]),
    "nul": ('{"boms": [{"item": "P\\u0000", "lines": []}]}', ["IN201"]),
    "deep": ("[" * 300_000 + "]" * 300_000, ["IN201"]),
    "scalar": ("17", ["IN202"]),
    "unknown version": ({"schema_version": 9, "boms": []}, ["IN202"]),
    "unknown key": (message(bom("P", ("C", 1), colour="red")), ["IN202"]),
    "many schema errors": (
        {"boms": [{"lines": [{"quantity": True}, {"component": 5, "quantity": 1}]}]},
        ["IN202"] * 4,
    ),
    "zero": (message(bom("P", ("C", 0))), ["IN205"]),
    "negative": (message(bom("P", ("C", "-1"))), ["IN205"]),
    "nan in a string": (message(bom("P", ("C", "NaN"))), ["IN205"]),
    "infinity": (message(bom("P", ("C", "Infinity"))), ["IN205"]),
    "comma": (message(bom("P", ("C", "1,5"))), ["IN205"]),
    "large": (message(bom("P", ("C", "1e15"))), ["IN205"]),
    "exponent bomb": (message(bom("P", ("C", "1e131071"))), ["IN205"]),
    "cyrillic": (message(bom("P", ("\u0421-1", 1))), ["IN203"]),
    "zero-width": (message(bom("P", ("C\u200b1", 1))), ["IN203"]),
    "no unit": (message(bom("P", {"component": "C", "quantity": 1})), ["IN204"]),
    "unknown unit": (message(bom("P", ("C", 1), unit="XX")), ["IN204"]),
    "no conversion": (
        message(bom("P", ("C", 1), {"component": "C", "quantity": 1, "unit": "M"})),
        ["IN102"],
    ),
    "unknown revision": (
        message(
            bom("P", {"component": "C", "quantity": 1, "unit": "EA", "component_revision": "Z"})
        ),
        ["IN208"],
    ),
    "line twice": (
        message(bom("P", *[{"component": "C", "quantity": 1, "unit": "EA", "line_no": 10}] * 2)),
        ["IN207"],
    ),
    "bom twice": (message(bom("P", ("C", 1)), bom("P", ("C", 1))), ["IN207"]),
    "itself": (message(bom("P", ("P", 1))), ["IN209"]),
    "circle": (message(bom("P", ("Q", 1)), bom("Q", ("R", 1)), bom("R", ("P", 1))), ["IN209"]),
    "level jump": (
        {"lines": [{"level": 0, "component": "P"}, {"level": 2, "component": "C", "quantity": 1}]},
        ["IN210"],
    ),
    "occurs with other lines": (
        {
            "lines": [
                {"level": level, "component": item, "quantity": quantity, "unit": "EA"}
                for level, item, quantity in (
                    (0, "P", 1),
                    (1, "S", 1),
                    (2, "C", 1),
                    (1, "T", 1),
                    (2, "S", 1),
                    (3, "C", 2),
                )
            ]
        },
        ["IN210"],
    ),
    "no date": (message(bom("P", ("C", 1), valid_from="2026-02-30")), ["IN206"]),
    "ends before": (
        message(bom("P", ("C", 1), valid_from="2026-02-01", valid_to="2026-01-01")),
        ["IN206"],
    ),
    "designators": (
        message(bom("P", {"component": "C", "quantity": 3, "unit": "EA", "designators": ["R1"]})),
        ["IN214"],
    ),
    "warehouse": (
        message(bom("P", {"component": "C", "quantity": 3, "unit": "EA", "warehouse": "NONE"})),
        ["IN213"],
    ),
    "all at once": (
        message(
            bom("\u0420", ("C", 0), {"component": "", "quantity": "x", "unit": "XX"}),
            bom("Q", ("C", 1), valid_from="soon", unit="YY"),
        ),
        ["IN202"],
    ),
    "all at once, rows": (
        message(
            bom("\u0420", ("C", 0), {"component": " ", "quantity": "x", "unit": "XX"}),
            bom("Q", ("C", 1), valid_from="soon", unit="YY"),
        ),
        ["IN203", "IN203", "IN204", "IN204", "IN205", "IN205", "IN206"],
    ),
}
BAD_XML = {
    "no xml": ("<bom_message><bom></bom_message>", "IN201"),
    "doctype": ('<!DOCTYPE bom_message [<!ENTITY a "b">]><bom_message/>', "IN201"),
    "laughs": (
        '<!doctype x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<bom_message>&b;</bom_message>",
        "IN201",
    ),
    "outside": (
        '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/hostname"><bom_message/>',
        "IN201",
    ),
    "unknown dialect": ("<other/>", "IN201"),
    "deep": ("<bom_message>" + "<a>" * 5000 + "</a>" * 5000 + "</bom_message>", "IN201"),
    "no quantity": (
        '<bom_message><bom item="P" unit="EA"><line component="C"/></bom></bom_message>',
        "IN205",
    ),
    "nan": (
        '<bom_message><bom item="P" unit="EA"><line component="C" quantity="NaN" unit="EA"/>'
        "</bom></bom_message>",
        "IN205",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_told_and_nothing_is_stored(
    units: psycopg.Connection, send: Import, kind: str
) -> None:
    given, expected = BAD[kind]
    body = given if isinstance(given, str) else json.dumps(given)
    answer = send(body)
    assert codes(answer) == expected, answer["reasons"]
    row = units.execute("select body, status from artery_staging.plm_bom").fetchone()
    assert row == (body, "rejected")
    stored = "select (select count(*) from artery_erp.item), (select count(*) from artery_erp.bom)"
    assert units.execute(stored).fetchone() == (0, 0)
    assert scratch_is_empty(units)


@pytest.mark.parametrize("kind", BAD_XML)
def test_bad_xml_is_told_too(units: psycopg.Connection, send: Import, kind: str) -> None:
    xml_or_skip(units)
    body, expected = BAD_XML[kind]
    answer = send(body)
    assert expected in codes(answer), answer
    assert units.execute("select body from artery_staging.plm_bom").fetchone() == (body,)
    assert units.execute("select count(*) from artery_erp.item").fetchone() == (0,)


def test_bad_ones_cost_their_neighbours_nothing(units: psycopg.Connection) -> None:
    bodies = [given if isinstance(given, str) else json.dumps(given) for given, _ in BAD.values()]
    fine = [json.dumps(message(bom(f"OK{n}", ("K", n + 1)))) for n in range(len(bodies))]
    units.cursor().executemany(
        "insert into artery_staging.plm_bom (source, message_id, body) values ('plm', %s, %s)",
        [
            (f"{n}", body)
            for n, body in enumerate(x for pair in zip(bodies, fine, strict=True) for x in pair)
        ],
    )
    units.execute("call artery.tick()")
    assert units.execute(
        "select status, count(*) from artery_staging.plm_bom group by 1 order by 1"
    ).fetchall() == [("processed", len(fine)), ("rejected", len(bodies))]
    row = units.execute("select count(*) from artery_erp.bom where item_code like 'OK%'").fetchone()
    assert row == (len(fine),)


def test_full_width_forms_are_folded_and_letters_that_look_alike_are_not(
    units: psycopg.Connection, send: Import
) -> None:
    assert send(message(bom("\uff30\uff0d\uff11", (" C\t", 1))))["status"] == "processed"
    found = units.execute("select code from artery_erp.item order by 1").fetchall()
    assert found == [("C",), ("P-1",)]


def test_a_circle_needs_a_time_at_which_it_is_closed(
    units: psycopg.Connection, send: Import
) -> None:
    early, late = {"valid_to": "2026-01-01"}, {"valid_from": "2026-01-01"}
    assert send(message(bom("A", ("B", 1), revision="1", **early)))["result"]
    assert send(message(bom("B", ("A", 1), revision="1", **late)))["result"]
    answer = send(message(bom("A", ("B", 1), revision="2", valid_from="2027-01-01")))
    assert codes(answer) == ["IN209"]
    assert "A > B > A" in answer["reasons"][0]["message"]
    assert "2027-01-01" in answer["reasons"][0]["hint"]
    # a line of B that ends before leaves no circle
    line = {"component": "A", "quantity": 1, "unit": "EA", "valid_to": "2026-12-31"}
    assert send(message(bom("B", {**line, "line_no": 10}, revision="1", **late)))["result"]
    assert send(message(bom("A", ("B", 1), revision="2", valid_from="2027-01-01")))["result"]


def test_two_imports_cannot_close_a_circle_between_them(
    units: psycopg.Connection, send: Import, connect: Connect
) -> None:
    with connect(autocommit=False) as first, connect() as second:
        assert send(message(bom("A", ("B", 1))), first)["status"] == "processed"
        answers: list[Json] = []
        other = threading.Thread(
            target=lambda: answers.append(send(message(bom("B", ("A", 1))), second))
        )
        other.start()
        other.join(0.5)
        assert other.is_alive()
        first.commit()
        other.join(20)
    assert codes(answers[0]) == ["IN209"]
    assert scratch_is_empty(units)


def test_sixteen_at_once_with_overlapping_items(
    units: psycopg.Connection, connect: Connect
) -> None:
    """Every pair closes a circle; whoever comes second is refused, and nobody deadlocks."""
    names = [f"N{n:02}" for n in range(16)]
    answers: list[Json] = []

    def work(number: int) -> None:
        others = names[number + 1 :] + names[:number]
        with connect() as own:
            own.execute("set lock_timeout = 0")
            for turn in range(3):
                body = {
                    "source": f"s{number}",
                    "message_id": f"{turn}",
                    **message(bom(names[number], *[(name, 1) for name in others[turn::3]])),
                }
                row = own.execute("select artery_api_v1.import_bom(%s)", (json.dumps(body),))
                answers.append(row.fetchone()[0])  # type: ignore[index]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(20):
        units.execute("update artery_staging.plm_bom set due_at = now() where status = 'new'")
        if units.execute("select artery_staging.process('artery_staging.plm_bom')").fetchone() == (
            0,
        ):
            break
    rows = units.execute(
        "select status, reasons #>> '{0,code}', count(*) from artery_staging.plm_bom group by 1, 2"
    ).fetchall()
    assert {(status, code) for status, code, _ in rows} == {
        ("processed", None),
        ("rejected", "IN209"),
    }
    assert sum(count for *_, count in rows) == 48
    cycles = units.execute("select * from artery_plm.bom_cycle(%s)", (names,)).fetchall()
    assert cycles == []
    assert units.execute("select count(*) from artery_erp.item").fetchone() == (16,)
    assert scratch_is_empty(units)


def test_repeatable_read_is_refused_and_nothing_lost(
    units: psycopg.Connection, send: Import, connect: Connect
) -> None:
    with connect(autocommit=False) as own:
        own.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        answer = send(message(bom("A", ("B", 1))), own)
    assert codes(answer) == ["25001"]
