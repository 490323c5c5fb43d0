"""Writes docs/reference.md from what a migrated database says of itself: comments, grants, schemas.

    .venv/bin/python tools/build_reference.py

A test compares the file with the database; run this when it differs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import psycopg

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs/reference.md"
HEAD = """\
# Reference: functions and formats

Written by `tools/build_reference.py` from the comments, grants and schemas of a database; do not
edit it. `artery_api_v1` is the surface that stays: what it takes and answers only grows, and a
change that breaks a caller gets a schema `artery_api_v2`. Functions of `artery` are for the ERP's
own transactions and for people. Codes of errors: [sqlstates.md](sqlstates.md).

Whoever calls needs the role behind the function's name: [README, Roles](../README.md#roles).
"""
FUNCTIONS = """
    select
        p.proname || '(' || pg_get_function_arguments(p.oid) || ')' as call,
        case p.prokind when 'p' then 'procedure' else pg_get_function_result(p.oid) end as gives,
        obj_description(p.oid, 'pg_proc') as comment,
        array_agg(r.rolname::text order by r.rolname) as roles
    from pg_proc as p
    cross join lateral aclexplode(p.proacl) as a
    inner join pg_roles as r on r.oid = a.grantee
    where
        p.pronamespace = %s::regnamespace
        and p.proname !~ '^_'
        and r.rolname = any(%s)
    group by p.oid, p.proname, p.prokind
    order by p.proname collate "C", 1
"""
INBOXES = """
    select i.table_name, i.processor, i.partner_columns, i.every::text,
        obj_description(i.table_name::regclass, 'pg_class') as comment
    from artery_staging.inbox as i order by i.table_name collate "C"
"""
SCHEMAS = """
    select m.message_type, m.version, m.schema
    from artery_staging.message_schema as m
    order by m.message_type collate "C", m.version
"""
CALLERS = ["artery_app", "artery_reader", "artery_operator", "artery_admin"]


def reference(dsn: str) -> str:
    """Give the text of docs/reference.md for a database."""
    with psycopg.connect(dsn, options="-c search_path=pg_catalog") as conn:
        parts = [HEAD, "## artery_api_v1\n"]
        parts += [_function(*row) for row in conn.execute(FUNCTIONS, ("artery_api_v1", CALLERS))]
        parts.append(
            "## Inboxes\n\nWhat partners insert into, and how: [staging.md](staging.md).\n"
        )
        parts += [_inbox(*row) for row in conn.execute(INBOXES)]
        parts.append(
            "## JSON Schemas\n\nAs `artery_staging.message_schema` has them (draft 2020-12). A "
            "message is held to the newest of its type; what a schema cannot say (an item that is "
            "not known, a circle) is found by the processor.\n"
        )
        parts += [_schema(*row) for row in conn.execute(SCHEMAS)]
        parts.append("## artery\n")
        parts += [_function(*row) for row in conn.execute(FUNCTIONS, ("artery", CALLERS))]
    return "\n".join(parts)


def _function(call: str, gives: str, comment: str, roles: list[str]) -> str:
    name, _, arguments = call.partition("(")
    return f"**{name}** ({', '.join(roles)})\n\n    {name}({arguments} → {gives}\n\n{comment}.\n"


def _inbox(table: str, processor: str, columns: list[str], every: str, comment: str) -> str:
    pages = [
        f"[{page.name}]({page.name})"
        for page in sorted((ROOT / "docs").glob("*.md"))
        if page != TARGET and re.search(rf"\b{table}\b", page.read_text(encoding="utf-8"))
    ]
    return (
        f"**{table}** — {comment}.\n\nPartners insert `{', '.join(columns)}`; `{processor}` takes "
        f"them every {every}. Described in {', '.join(pages)}.\n"
    )


def _schema(message_type: str, version: int, schema: dict[str, Any]) -> str:
    text = json.dumps(_lines(schema), indent=2, ensure_ascii=False)
    # what is short goes on one line
    text = re.sub(r'"\\u0000(.*?)\\u0000"', lambda m: json.loads(f'"{m[1]}"'), text)
    return f"**{message_type}**, version {version}\n\n```json\n{text}\n```\n"


def _lines(value: Any) -> Any:
    """Mark the parts that fit on one line, so that they are written there."""
    if not isinstance(value, dict | list):
        return value
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) <= 90:
        return f"\x00{flat}\x00"
    if isinstance(value, dict):
        return {name: _lines(part) for name, part in value.items()}
    return [_lines(part) for part in value]


def main() -> None:
    """Write the file."""
    with Cluster(durable=False) as cluster:
        dsn = cluster.create_database("reference")
        migrate(dsn)
        TARGET.write_text(reference(dsn), encoding="utf-8")
    print(TARGET)


if __name__ == "__main__":
    main()
