"""Rows of one call, shown as a table: what all commands that look something up have in common."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString, Self

import click
import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from pg_artery import db

Row = dict[str, Any]

# where the terminal is narrow, these give way
_WRAPPED = frozenset(
    {
        "name",
        "note",
        "error",
        "last_error",
        "message",
        "found",
        "mend",
        "detail",
        "meaning",
        "problem",
        "remedy",
    }
)


def query(dsn: str, application: str, statement: LiteralString, values: Any = ()) -> list[Row]:
    """Run one statement of `db` in a connection of its own; gives its rows by column name."""
    full = db.conninfo(dsn, application)
    with psycopg.connect(
        full, autocommit=True, prepare_threshold=None, row_factory=dict_row
    ) as conn:
        return conn.execute(statement, values).fetchall()


class Connection:
    """A connection for a command that stays: opened again after PostgreSQL was away."""

    def __init__(self, dsn: str, application: str) -> None:
        self._full = db.conninfo(dsn, application)
        self._conn: psycopg.Connection[Row] | None = None

    def __enter__(self) -> Self:
        """Leave it closed until it is used."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        if self._conn is not None:
            self._conn.close()

    def rows(self, statement: LiteralString, values: Any = ()) -> list[Row]:
        """Run a statement; gives its rows by column name. Errors: psycopg.Error."""
        if self._conn is None or self._conn.closed:
            self._conn = psycopg.connect(
                self._full, autocommit=True, prepare_threshold=None, row_factory=dict_row
            )
        return self._conn.execute(statement, values).fetchall()


def told_to_stop() -> threading.Event:
    """Give what SIGINT and SIGTERM set from now on: a statement under way ends by itself."""
    stop = threading.Event()
    # a shell's background job ignores SIGINT
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def filled(rows: Sequence[Row], leave_out: Sequence[str] = ()) -> list[str]:
    """Give the columns that say something for any row, in their order."""
    return [
        name
        for name in (rows[0] if rows else {})
        if name not in leave_out and any(row[name] not in (None, "") for row in rows)
    ]


def show(
    rows: Sequence[Row],
    columns: Sequence[str],
    titles: Mapping[str, str] | None = None,
    *,
    title: str | None = None,
) -> None:
    """Print rows as a table; `titles` names columns whose own name would not do."""
    made = table(rows, columns, titles)
    made.title, made.title_justify = title, "left"
    console().print(made)


def table(
    rows: Sequence[Row], columns: Sequence[str], titles: Mapping[str, str] | None = None
) -> Table:
    """Put rows into a table, numbers to the right."""
    made = Table(box=None, pad_edge=False)
    for name in columns:
        number = any(
            isinstance(row[name], Decimal | int | float) and not isinstance(row[name], bool)
            for row in rows
        )
        made.add_column(
            (titles or {}).get(name, name.replace("_", " ")),
            justify="right" if number else "left",
            no_wrap=name not in _WRAPPED,
        )
    for row in rows:
        made.add_row(*(cell(row[name]) for name in columns))
    return made


def tell(told: Row) -> None:
    """Print what programs read: one JSON object; times in ISO 8601, other values as text."""
    click.echo(json.dumps(told, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def console() -> Console:
    """Give the console for standard output; in a pipe nothing is cut off."""
    width = None if sys.stdout.isatty() else 250
    return Console(highlight=False, markup=False, width=width)


def cell(value: Any) -> str:
    """Put a value as people read it: times to the second in this machine's zone."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone().isoformat(" ", "seconds")
    if isinstance(value, timedelta):
        return span(value)
    return "" if value is None else str(value)


def span(value: timedelta) -> str:
    """Put a length of time in its largest two units: 3 d 4 h, 12 min 5 s, 0.4 s."""
    seconds = value.total_seconds()
    if abs(seconds) < 10:
        return f"{seconds:.1f} s"
    left = round(abs(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count and len(parts) < 2:
            parts.append(f"{count} {unit}")
    return ("-" if seconds < 0 else "") + " ".join(parts)
