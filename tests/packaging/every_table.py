"""Puts rows into every table of ours, and gives what is in each: to compare a copy by."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

_TABLES = """
select c.oid, c.oid::regclass::text
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname ~ '^artery(_|$)' and c.relkind = any(%s)
order by 2
"""
_COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attidentity <> '' or a.attgenerated <> '', d.adbin is not null
from pg_attribute as a left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = %s and a.attnum > 0 and not a.attisdropped
"""
_KEYS = """
select f.confrelid::regclass::text,
    array(select a.attname::text from unnest(f.conkey) with ordinality as k (n, o)
        join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = k.n order by k.o),
    array(select a.attname::text from unnest(f.confkey) with ordinality as k (n, o)
        join pg_attribute as a on a.attrelid = f.confrelid and a.attnum = k.n order by k.o)
from pg_constraint as f where f.conrelid = %s and f.contype = 'f'
"""
_CHECKS = """
select pg_get_constraintdef(c.oid) from pg_constraint as c
where c.conrelid = %s and c.contype = 'c'
"""
TRIES, MORE = 300, 30  # attempts at the first row of a table, and for more than one
#: where guessing takes too long; None = leave it out
GIVEN: dict[str, dict[str, Any]] = {
    "artery.route": {"path_template": "/x", "notify_channel": None, "event_type": None},
    "artery_erp.ar_invoice": {
        "kind": "blue", "original_order_no": None, "currency": "CNY", "status": "draft",
        "amount": 100, "tax": 13, "total": 113, "invoice_no": None,
    },
}  # fmt: skip
ODD = {
    "inet": "10.1.2.3", "cidr": "10.1.2.0/24", "jsonpath": "$.status", "regrole": "pg_monitor",
    "time without time zone": "06:30", "xid8": "9", "tstzrange": "[2026-01-01, 2026-01-02)",
    "tstzmultirange": "{[2026-01-01, 2026-01-02)}",
}  # fmt: skip


def tables(conn: psycopg.Connection, kinds: str) -> Iterator[tuple[int, str]]:
    """Give oid and name of our relations of these kinds, as in pg_class.relkind."""
    yield from conn.execute(_TABLES, (list(kinds),)).fetchall()


def contents(conn: psycopg.Connection) -> dict[str, tuple[int, int]]:
    """Give of each table, partitions too, how many rows it has, and a checksum of their text."""
    sums = "select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from {} as t"
    found = {}
    for _, name in tables(conn, "r"):
        [(rows, checksum)] = conn.execute(sql.SQL(sums).format(sql.SQL(name))).fetchall()
        found[name] = (int(rows), int(checksum))
    return found


def positions(conn: psycopg.Connection) -> dict[str, int]:
    """Give of each sequence the last number that it gave."""
    found = conn.execute(
        "select format('%I.%I', s.schemaname, s.sequencename), coalesce(s.last_value, 0) "
        "from pg_sequences as s where s.schemaname ~ '^artery'"
    )
    return dict(found.fetchall())


def sequences_behind(conn: psycopg.Connection) -> list[str]:
    """Name the sequences whose next number is one that their column has already."""
    owned = conn.execute(
        "select d.objid::regclass::text, d.refobjid::regclass::text, a.attname from pg_depend as d "
        "join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid "
        "join pg_class as c on c.oid = d.objid and c.relkind = 'S' "
        "where d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i') "
        "and c.relnamespace::regnamespace::text ~ '^artery'"
    ).fetchall()
    assert len(owned) > 20
    behind = []
    for sequence, table, column in owned:
        highest = sql.SQL("select nextval({}) > coalesce(max({}), 0) from {}").format(
            sql.Literal(sequence), sql.Identifier(column), sql.SQL(table)
        )
        if conn.execute(highest).fetchone() != (True,):
            behind.append(sequence)
    return behind


class Filler:
    """Makes rows up that satisfy what is declared: types, checks, references.

    Triggers do not fire. What a row means is of no matter: it has to come back as it was.
    """

    def __init__(self, conn: psycopg.Connection, seed: int = 8) -> None:
        self._conn = conn
        self._random = random.Random(seed)

    def fill(self, rows: int) -> None:
        """Put so many rows into each table that has none; those with a parent after it."""
        empty = [
            (oid, name)
            for oid, name in tables(self._conn, "rp")
            if not self._one(f"select c.relispartition from pg_class as c where c.oid = {oid}")
            and self._is_empty(name)
        ]
        while empty:
            left = [table for table in empty if not self._fill(*table, rows)]
            assert len(left) < len(empty), f"no row can be made up for {[n for _, n in left]}"
            empty = left

    def _one(self, statement: str) -> Any:
        [(value,)] = self._conn.execute(statement.encode()).fetchall()
        return value

    def _is_empty(self, name: str) -> bool:
        return bool(self._one(f"select not exists (select from {name})"))

    def _fill(self, oid: int, name: str, rows: int) -> bool:
        columns = self._conn.execute(_COLUMNS, (oid,)).fetchall()
        checks = " ".join(c for (c,) in self._conn.execute(_CHECKS, (oid,)))
        keys = self._conn.execute(_KEYS, (oid,)).fetchall()
        needed = {column for column, _, needed, _, _ in columns if needed}
        for parent, ours, _ in keys:
            if parent != name and needed.issuperset(ours) and self._is_empty(parent):
                return False
        made = 0
        for tries in range(TRIES):
            if made and tries > MORE:
                break
            row = self._row(name, columns, keys, checks)
            statement = sql.SQL("insert into {} as t ({}) values ({}) returning t.*").format(
                sql.SQL(name),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Placeholder() * len(row)),
            )
            try:
                with self._conn.transaction():
                    self._conn.execute("set local session_replication_role = replica")
                    self._look_up(self._conn.execute(statement, list(row.values())), keys)
            except (psycopg.errors.IntegrityError, psycopg.errors.DataError):
                continue
            made += 1
            # one supplier: notices and orders are to have theirs in common
            if made == rows or name == "artery_erp.supplier":
                break
        return made > 0

    def _look_up(self, made: psycopg.Cursor[Any], keys: list[Any]) -> None:
        """Raise where a reference leads nowhere: no trigger looks after that now."""
        [values] = made.fetchall()
        row = dict(zip((d.name for d in made.description or ()), values, strict=True))
        for parent, ours, theirs in keys:
            sought = [row[column] for column in ours]
            if None not in sought:
                where = sql.SQL(" and ").join(
                    sql.SQL("{} = %s").format(sql.Identifier(column)) for column in theirs
                )
                statement = sql.SQL("select from {} where {}").format(sql.SQL(parent), where)
                if not self._conn.execute(statement, sought).fetchall():
                    raise psycopg.errors.ForeignKeyViolation(parent)

    def _row(self, name: str, columns: list[Any], keys: list[Any], checks: str) -> dict[str, Any]:
        row = {}
        generated = {column for column, _, _, made, _ in columns if made}
        for column, kind, needed, made, defaulted in columns:
            if made or ((defaulted or not needed) and self._random.random() < 0.6):
                continue
            row[column] = self._value(column, kind, checks)
        fixed: set[str] = set()
        for parent, ours, theirs in keys:
            if not any(column in row for column in ours):
                continue
            pairs = [(t, o) for t, o in zip(theirs, ours, strict=True) if o in fixed]
            found = self._conn.execute(
                sql.SQL("select {} from {} where {} order by 1 limit 50").format(
                    sql.SQL(", ").join(map(sql.Identifier, theirs)),
                    sql.SQL(parent),
                    sql.SQL(" and ").join(
                        [sql.SQL("{} = %s").format(sql.Identifier(t)) for t, _ in pairs]
                        or [sql.SQL("true")]
                    ),
                ),
                [row[o] for _, o in pairs],
            ).fetchall()
            picked = self._random.choice(found) if found else [None] * len(ours)
            row |= dict(zip(ours, picked, strict=True))
            fixed.update(ours)
        row |= GIVEN.get(name, {})
        for column in [c for c, value in GIVEN.get(name, {}).items() if value is None]:
            del row[column]
        return {c: value for c, value in row.items() if c not in generated}

    def _value(self, column: str, kind: str, checks: str) -> Any:
        pick = self._random.choice
        named = re.search(rf"\b{column}\b", checks)
        if kind.endswith("[]"):
            rows_of_a_table = "." in kind
            return [] if rows_of_a_table else [self._value(column, kind[:-2], checks)]
        if kind in ("text", "character varying") or kind.startswith("character"):
            said = re.findall(r"'([^']*)'::text", checks) if named else []
            n = self._random.randrange(10**6)
            made_up = ("", f"n{n}", f"N{n:05}", f"/n{n}", f"artery_x.n{n}", f"{n} 漆包线\\\t\n")
            return pick([*said, *made_up])
        if kind in ("smallint", "integer", "bigint"):
            return self._random.randrange(1, 100)
        if kind.startswith(("numeric", "real", "double")):
            return pick([0, 1, self._random.randrange(1, 10_000) / 1000])
        if kind == "boolean":
            return pick([True, False])
        if kind.startswith("timestamp") or kind == "date":
            return datetime.now(UTC) + timedelta(hours=pick([0, 0, 1, 24, 48]))
        if kind == "jsonb":
            return Jsonb(pick([{}, [], {"β": [1.50, None]}, {"reason": "x"}]))
        if kind == "bytea":
            return self._random.randbytes(pick([12, 16, 32]))
        if kind == "uuid":
            return f"{self._random.getrandbits(128):032x}"
        if kind == "interval":
            return timedelta(seconds=self._random.randrange(1, 10**5))
        if kind in ODD:
            return ODD[kind]
        raise AssertionError(f"what does a {kind} look like? {column}")
