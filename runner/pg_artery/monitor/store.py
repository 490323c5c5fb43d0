"""The page's connections: one pool that can only read, another for what people do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from pg_artery import db, queries
from pg_artery.commands.listing import Row

READ_LIMIT_MS = 5000  # a page that takes longer says so rather than load the database


class Store:
    """Rows for pages, and actions. Errors: psycopg.Error, PoolTimeout."""

    def __init__(self, dsn: str) -> None:
        reading = f"-c default_transaction_read_only=on -c statement_timeout={READ_LIMIT_MS}"
        self._read = self._pool(dsn, "artery monitor", reading, 4)
        self._act = self._pool(dsn, "artery monitor: action", "", 2)

    @staticmethod
    def _pool(dsn: str, name: str, options: str, size: int) -> ConnectionPool[Any]:
        settings: dict[str, Any] = {
            "autocommit": True,
            "row_factory": dict_row,
            "prepare_threshold": None,
        }
        if options:
            # a session that is read-only by choice; libpq would take its server for a standby
            settings |= {"options": options, "target_session_attrs": "any"}
        return ConnectionPool(
            db.conninfo(dsn, name), min_size=0, max_size=size, timeout=5, kwargs=settings, open=True
        )

    def close(self) -> None:
        """End all connections."""
        self._read.close()
        self._act.close()

    def rows(self, statement: LiteralString, values: Sequence[Any] = ()) -> list[Row]:
        """Read."""
        with self._read.connection() as conn:
            found: list[Row] = conn.execute(statement, values).fetchall()
        return found

    def row(self, statement: LiteralString, values: Sequence[Any] = ()) -> Row | None:
        """Read one row, or None."""
        return next(iter(self.rows(statement, values)), None)

    def act(self, statement: LiteralString, values: Sequence[Any]) -> Row:
        """Call one function that changes something; gives its row."""
        with self._act.connection() as conn:
            done: Row = conn.execute(statement, values).fetchone() or {}
        return done

    def rights(self) -> Row:
        """Tell what the page's role may do: {operate, breaker, role}."""
        return self.rows(queries.RIGHTS)[0]

    def pulse(self) -> str:
        """Give a text that changes when what the pages show has changed."""
        return str(self.rows(queries.PULSE)[0]["pulse"])
