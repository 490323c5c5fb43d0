"""Migrations outside a transaction: indexes on large tables, made while others write.

Such a file begins with the line `-- transactional: false` and holds statements of two forms alone,
each of which can be run again:

    create [unique] index concurrently if not exists NAME on schema.table …;
    drop index concurrently if exists schema.name;

They run as artery_owner, wait without limit (they keep nobody from reading or writing), and are
marked when all are through. An invalid index, left by an interrupted try, is dropped first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlparse

from pg_artery.errors import ArteryError

_MARK = re.compile(r"\A(?:\s*--.*\n)*?\s*--\s*transactional\s*:\s*false\s*$", re.M | re.I)
_NAME = r'(?:[a-z_][a-z0-9_]*|"[^"]+")'
_CREATE = re.compile(
    rf"create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+({_NAME})\s+on\s+"
    rf"({_NAME})\.({_NAME})\s*(?:using|\()",
    re.I,
)
_DROP = re.compile(
    rf"drop\s+index\s+concurrently\s+if\s+exists\s+({_NAME})\.({_NAME})\s*;?\Z", re.I
)

# what was interrupted; as a statement, since dropping it concurrently is one of its own
_LEFTOVER = """
select format('drop index concurrently %s', i.indexrelid::regclass)
from pg_catalog.pg_index as i
where i.indexrelid = to_regclass({index}) and not (i.indisvalid and i.indisready)
"""


@dataclass(frozen=True)
class Statement:
    """A statement of such a migration."""

    text: str  # without the semicolon
    index: str  # schema.name
    table: str | None  # schema.table that gets the index; None: an index is dropped

    @property
    def leftover(self) -> str:
        """The query for the statement that drops what an interrupted attempt left, if any."""
        return _LEFTOVER.format(index="'" + self.index.replace("'", "''") + "'")


def is_online(text: str) -> bool:
    """Whether a migration runs outside a transaction."""
    return bool(_MARK.search(text))


def statements(name: str, text: str) -> list[Statement]:
    """Take such a migration apart.

    :param name: of the migration, for the error
    :raises ArteryError: IN909 for a statement of another form
    """
    found: list[Statement] = []
    faults: list[str] = []
    for part in sqlparse.split(sqlparse.format(text, strip_comments=True)):
        statement = part.strip().removesuffix(";")
        if made := _CREATE.match(statement):
            index, schema, table = made.groups()
            found.append(Statement(statement, f"{schema}.{index}", f"{schema}.{table}"))
        elif gone := _DROP.match(statement):
            found.append(Statement(statement, ".".join(gone.groups()), None))
        elif statement:
            faults.append(statement.splitlines()[0])
    if faults or not found:
        raise ArteryError(
            "IN909",
            f"migration {name} is not transactional and could not be taken up again half-way",
            "; ".join(faults) or "It has no statement.",
            "Without a transaction only these: create [unique] index concurrently if not exists "
            "NAME on schema.table …; drop index concurrently if exists schema.name. "
            "All else goes into a migration of its own.",
        )
    return found
