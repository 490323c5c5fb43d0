"""A connection that copies rows out, or takes them back in to compare them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from pg_artery import archive_files, db, queries
from pg_artery.archive_files import Say
from pg_artery.errors import ArteryError

Row = dict[str, Any]

#: bytes of CSV that the scratch table takes before it is digested and emptied
SCRATCH = 64 << 20
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
}


class Session:
    """A connection as artery_owner, with the settings under which rows are written the same."""

    def __init__(self, dsn: str, *, owner: bool = True) -> None:
        options = conninfo_to_dict(dsn).get("options") or ""
        full = db.conninfo(dsn, "artery archive")
        self.conn = psycopg.connect(
            full, autocommit=True, prepare_threshold=None, row_factory=dict_row,
            options=str(options), client_encoding="UTF8",
        )  # fmt: skip
        known = self.rows(queries.SETTING_NAMES)[0]["names"]
        for name, value in _SETTINGS.items():
            if name in known:
                self.rows(queries.SET_SETTING, (name, value))
        if owner:
            try:
                self.rows(queries.SET_SETTING, ("role", "artery_owner"))
            except psycopg.Error as error:
                self.conn.close()
                raise ArteryError(
                    "42501",
                    "this login may not detach and drop partitions",
                    error.diag.message_primary,
                    "Connect as for artery migrate, or: grant artery_owner to …;",
                ) from error

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.conn.close()

    def rows(self, statement: Any, values: Any = ()) -> list[Row]:
        """Run one statement; gives its rows, if it has any."""
        done = self.conn.execute(statement, values or None)
        return done.fetchall() if done.description else []

    def top_level(self, statement: str) -> None:
        """Run a statement that SQL made, by itself."""
        self.conn.execute(statement.encode())

    def copy_out(self, statement: str) -> Generator[bytes]:
        """Give the records of a COPY that SQL made, one at a time."""
        with self.conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for record in copy:
                yield bytes(record)

    def database(self) -> Row:
        """Tell which database this is, for manifests."""
        return self.rows(queries.THIS_DATABASE)[0]


class Digest:
    """Counts and digests rows that come in pieces, through a scratch table of the database."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held = self.count = self._low = self._high = 0

    def add(self, piece: bytes) -> None:
        """Take in whole CSV records."""
        with self._session.conn.cursor() as cursor, cursor.copy(queries.SCRATCH_IN) as copy:
            copy.write(piece)
        self._held += len(piece)
        if self._held >= SCRATCH:
            self._take()

    def _take(self) -> None:
        (found,) = self._session.rows(queries.SCRATCH_DIGEST)
        self.count += found["row_count"]
        self._low += int(found["low"])
        self._high += int(found["high"])
        self._session.rows(queries.SCRATCH_EMPTY)
        self._held = 0

    def text(self) -> str:
        """Give the digest as artery.partition_archive has it."""
        self._take()
        return f"{self._low}:{self._high}"


def check_rows(session: Session, form: str, path: Path, say: Say, title: str) -> tuple[int, str]:
    """Read a file back through the scratch table; gives its rows and their digest."""
    digest = Digest(session)
    done = 0
    for piece, count in archive_files.read_back(form, path):
        digest.add(piece)
        done += count
        say(f"{title}: {done} rows read back")
    text = digest.text()
    return digest.count, text
