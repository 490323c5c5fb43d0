"""artery.json_schema_errors against the suite of the standard, and against what means no good."""

from __future__ import annotations

import json
import re
from typing import Any

import psycopg
import pytest
import schema_suite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ERRORS = "select * from artery.json_schema_errors(%s::jsonb, %s::jsonb)"


def dumped(value: Any) -> str:
    # jsonb has no NUL; a character of private use in its place, on both sides, asks the same
    return json.dumps(value).replace("\\u0000", "\\uf8ff")


def test_the_suite_of_draft_2020_12(conn: psycopg.Connection) -> None:
    cases = schema_suite.cases()
    if not cases:
        pytest.skip("the source distribution of jsonschema, which has the suite, is not to be had")
    wrong = [
        (name, valid, found)
        for name, schema, document, valid in cases
        if bool(found := conn.execute(ERRORS, (dumped(schema), dumped(document))).fetchall())
        == valid
    ]
    assert not wrong, f"{len(wrong)} of {len(cases)}: " + "\n".join(map(str, wrong[:40]))
    assert len(cases) > 1150


def test_large_arrays_are_judged_the_same(conn: psycopg.Connection) -> None:
    """Those go through a condition in SQL first."""
    cases = schema_suite.cases()
    if not cases:
        pytest.skip("the source distribution of jsonschema, which has the suite, is not to be had")
    condition = """
        select artery._json_condition(
            artery._json_schema_index(s.x), 'artery:/', s.x -> 'items', 'v'
        )
        from (select %s::jsonb) as s (x)
    """
    conn.execute("set jit = off")
    covered = 0
    wrong = []
    for name, schema, document, valid in cases:
        if 'ef": "#' in json.dumps(schema):
            continue  # it would lead elsewhere
        items = dumped({"items": schema})
        row = conn.execute(condition, (items,)).fetchone()
        covered += row is not None and row[0] is not None
        found = conn.execute(ERRORS, (items, dumped([document] * 40))).fetchall()
        if bool(found) == valid:
            wrong.append((name, valid, found[:3]))
    assert not wrong, "\n".join(map(str, wrong[:40]))
    assert covered > 400


LOOP = {"$ref": "#"}
DOUBLING: dict[str, Any] = {"$defs": {"0": {}}, "$ref": "#/$defs/40"} | {
    "$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n - 1}"}] * 2} if n else {} for n in range(41)}
}
TREE = {"type": "object", "properties": {"child": {"$ref": "#"}}}
DEEP = '{"child":' * 3000 + "{}" + "}" * 3000
HOSTILE: dict[str, tuple[str, str]] = {
    "circle": (json.dumps(LOOP), "1"),
    "doubling": (json.dumps(DOUBLING), "1"),
    "deep document": (json.dumps(TREE), DEEP),
    "deep schema": ('{"not":' * 2000 + "{}" + "}" * 2000, "1"),
    "huge number": ('{"multipleOf": 0.0001, "maximum": 1}', "1e131071"),
    "tiny divisor": ('{"multipleOf": 1e-16000, "maximum": 1}', "1e100000"),
    "bad pattern": ('{"pattern": "("}', '"x"'),
    "directive": ('{"pattern": "***=("}', '"x"'),
    "nested quantifiers": ('{"pattern": "^(a+)+$"}', json.dumps("a" * 5000 + "b")),
    "large quantifiers": ('{"pattern": "((a{1,200}){1,200}){1,200}"}', json.dumps("a" * 50)),
    "many errors": ('{"items": {"type": "string"}}', json.dumps(list(range(20000)))),
    "injection": (
        '{"items": {"minimum": "0) or true --", "type": "string"}}',
        json.dumps([-1] * 40),
    ),
    "quotes": (
        json.dumps({"items": {"properties": {"a'%s%L\\": {"const": "'"}}, "enum": ["%I"]}}),
        json.dumps([{"a'%s%L\\": 1}] * 40),
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_means_no_good_is_told_and_not_hung_on(conn: psycopg.Connection, kind: str) -> None:
    conn.execute("set statement_timeout = '20s'")
    rows = conn.execute(ERRORS, HOSTILE[kind]).fetchall()
    assert 0 < len(rows) <= 1001
    assert all(message for _, _, message in rows)


KEYWORDS = re.findall(
    r"\S+",
    "type enum const multipleOf maximum exclusiveMinimum maxLength minLength pattern items "
    "prefixItems contains minContains maxContains uniqueItems required dependentRequired "
    "properties patternProperties additionalProperties propertyNames dependentSchemas allOf anyOf "
    "oneOf not if then else unevaluatedItems unevaluatedProperties $ref $dynamicRef $id $anchor "
    "$dynamicAnchor $defs minItems maxProperties",
)
TEXTS = st.sampled_from(
    ["", "a", "#", "#/", "#/$defs/a", "b.json", "//x", "string", "(", "%zz", "é"]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 40) | st.floats(allow_nan=False) | TEXTS
DOCUMENTS = st.recursive(
    LEAVES, lambda x: st.lists(x, max_size=4) | st.dictionaries(TEXTS, x, max_size=4), max_leaves=12
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda x: (
        st.dictionaries(st.sampled_from(KEYWORDS), x, max_size=5)
        | st.lists(x, max_size=3)
        | st.dictionaries(TEXTS, x, max_size=3)
    ),
    max_leaves=25,
)


def test_no_schema_and_no_document_breaks_it(conn: psycopg.Connection, request: Any) -> None:
    conn.execute("set statement_timeout = '20s'")

    @settings(
        max_examples=3000 if request.config.getoption("--long") else 300,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(SCHEMAS, DOCUMENTS)
    def check(schema: Any, document: Any) -> None:
        rows = conn.execute(ERRORS, (dumped(schema), dumped(document))).fetchall()
        assert all(isinstance(path, str) and keyword and text for path, keyword, text in rows)
        # as an element of many it is judged the same
        many = conn.execute(
            ERRORS, (dumped({"items": {"allOf": [schema]}}), dumped([document] * 33))
        ).fetchall()
        assert bool(rows) == bool(many) or "$" in json.dumps(schema)

    check()
