"""The page's connections: one pool that can only read, another for what people do."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from pg_artery import db, queries
from pg_artery.commands.listing import Row

FRESH_S = 1.0  # however many look at the same page, it is read once in that time,
SHARE = 20  # and in so many times what reading it took: a twentieth of a core, for all viewers
REST_LIMIT_S = 10.0
KNOWN = 100  # answers kept at most
READ_LIMIT_MS = 5000  # a page that takes longer says so rather than load the database


class Store:
    """Rows for pages, and actions. Errors: psycopg.Error, PoolTimeout."""

    def __init__(self, dsn: str) -> None:
        reading = (
            f"-c default_transaction_read_only=on -c jit=off -c statement_timeout={READ_LIMIT_MS}"
        )
        self._read = self._pool(dsn, "artery monitor", reading, 4)
        self._act = self._pool(dsn, "artery monitor: action", "", 2)
        #: until when an answer is given again, and the answer
        self._known: dict[tuple[str, tuple[Any, ...]], tuple[float, list[Row]]] = {}
        self._spent_s = 0.0
        self._asking: defaultdict[tuple[str, tuple[Any, ...]], threading.Lock]
        self._asking = defaultdict(threading.Lock)

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
        """Read; what was read just now is given again."""
        asked = (statement, tuple(values))
        with self._asking[asked]:  # whoever asks the same meanwhile waits for the one answer
            memory = self._known
            known = memory.get(asked)
            if known and time.monotonic() < known[0]:
                return known[1]
            with self._read.connection() as conn:
                begun = time.monotonic()
                found: list[Row] = conn.execute(statement, values).fetchall()
            took = time.monotonic() - begun
            self._spent_s += took
            if len(memory) > KNOWN:
                memory.clear()
            # lost, if it was told to forget meanwhile
            memory[asked] = (begun + max(FRESH_S, SHARE * took), found)
            return found

    def rest_s(self) -> float:
        """Tell how long to leave the database alone, for what was read since it was last asked."""
        spent, self._spent_s = self._spent_s, 0.0
        return min(SHARE * spent, REST_LIMIT_S)

    def forget(self) -> None:
        """Read all anew: something changed."""
        self._known = {}
        self._asking = defaultdict(threading.Lock)

    def row(self, statement: LiteralString, values: Sequence[Any] = ()) -> Row | None:
        """Read one row, or None."""
        return next(iter(self.rows(statement, values)), None)

    def act(self, statement: LiteralString, values: Sequence[Any]) -> Row:
        """Call one function that changes something; gives its row."""
        with self._act.connection() as conn:
            done: Row = conn.execute(statement, values).fetchone() or {}
        self.forget()
        return done

    def rights(self) -> Row:
        """Tell what the page's role may do: {operate, breaker, role}."""
        return self.rows(queries.RIGHTS)[0]

    def pulse(self) -> str:
        """Give a text that changes when what the pages show has changed."""
        with self._read.connection() as conn:
            return str(conn.execute(queries.PULSE).fetchone()["pulse"])
