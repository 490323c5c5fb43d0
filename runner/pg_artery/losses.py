"""What a rollback would lose: rows of tables that go, values of columns that go."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from pg_artery.catalog import Connection

_MOST = 10_000  # counted no further: it is a question of whether, not of how many

_TABLES = r"""
select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum)
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where
    c.relkind in ('r', 'p') and not c.relispartition
    and (n.nspname = 'artery' or n.nspname like 'artery\_%') and n.nspname <> 'artery_install'
group by n.nspname, c.relname
"""

Tables = dict[tuple[str, str], list[str]]


@dataclass(frozen=True)
class Loss:
    """Rows, or values of a column that are not null, that a rollback would lose."""

    what: str  # schema.table or schema.table.column
    rows: int
    more: bool  # there are more; counting stopped

    def __str__(self) -> str:
        return f"{self.what}: {'more than ' if self.more else ''}{self.rows} rows"


def tables(conn: Connection) -> Tables:
    """Map each table of ours, partitions left out, to its columns."""
    return {(schema, table): columns for schema, table, columns in conn.execute(_TABLES)}


def losses(conn: Connection, before: Tables, after: Tables, *, lock: bool = False) -> list[Loss]:
    """List what has rows among the tables and columns that are in `before` and not in `after`.

    Inside the caller's transaction.

    :param lock: keep others from adding rows until the transaction ends
    """
    found: list[Loss] = []
    conn.execute("set local role artery_owner")
    for name, columns in sorted(before.items()):
        gone = [None] if name not in after else [c for c in columns if c not in after[name]]
        if gone and lock:
            conn.execute(
                sql.SQL("lock table {} in access exclusive mode").format(sql.Identifier(*name))
            )
        for column in gone:
            condition = (
                sql.SQL("{} is not null").format(sql.Identifier(column))
                if column
                else sql.SQL("true")
            )
            query = sql.SQL("select count(*) from (select from {} where {} limit {}) as r").format(
                sql.Identifier(*name), condition, _MOST + 1
            )
            row = conn.execute(query).fetchone()
            if row and row[0]:
                what = ".".join(filter(None, (*name, column)))
                found.append(Loss(what, min(row[0], _MOST), row[0] > _MOST))
    return found
