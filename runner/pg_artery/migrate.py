"""`artery migrate`: the versioned migrations through yoyo, then all of sql/ in one transaction.

One connection does everything and holds an advisory lock the while. Killed at any statement, it leaves a schema that
the next run takes up; nothing is ever half-done, since each step commits together with the mark that it was done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from pg_artery import catalog, loader
from pg_artery.backend import Backend, load_migrations
from pg_artery.catalog import INSTALL_SCHEMA, Connection
from pg_artery.errors import ArteryError
from pg_artery.resources import Code, checksum, migrations_dir, read_code, read_text

#: pg_advisory_lock key of everything that changes our schema
LOCK_KEY = (1634890853, 1634301545)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """Migrations and code to work with; by default those of the package."""

    migrations: Path = field(default_factory=migrations_dir)
    sql: Path | None = None

    def code(self) -> Code:
        """Read the code, checked against its manifest."""
        return read_code(self.sql)


@dataclass(frozen=True)
class MigrateResult:
    """What a migration did."""

    applied: list[str]
    code: str  # loaded | unchanged
    files: int
    head: str | None
    seconds: float
    notices: list[str]

    def as_dict(self) -> dict[str, Any]:
        """The result as programs read it."""
        return asdict(self)


@dataclass(frozen=True)
class Status:
    """What a database has, against what the package brings."""

    applied: list[str]
    pending: list[str]
    edited: list[str]
    unknown: list[str]
    code: str  # up to date | differs | changed in the database | not loaded
    version: str | None
    up_to_date: bool

    def as_dict(self) -> dict[str, Any]:
        """The status as programs read it."""
        return asdict(self)


@contextmanager
def installer(dsn: str, lock_timeout_ms: int, say: Say, notices: list[str]) -> Iterator[Backend]:
    """Connect, take the lock, and give yoyo's backend; errors about locks name who holds them."""
    with psycopg.connect(
        dsn, autocommit=True, prepare_threshold=None, application_name="artery migrate"
    ) as conn:
        conn.add_notice_handler(
            lambda note: (
                notices.append(f"{note.message_primary} {note.message_hint or ''}".strip())
                if note.severity_nonlocalized == "WARNING"
                else None
            )
        )
        _refuse_extension(conn)
        _lock(conn, say)
        conn.execute("select set_config('lock_timeout', %s, false)", (f"{lock_timeout_ms}ms",))
        conn.execute("set client_encoding = 'UTF8'")
        conn.execute(f"set search_path = {INSTALL_SCHEMA}")
        try:
            yield Backend(conn)
        except psycopg.errors.LockNotAvailable as error:
            conn.rollback()
            raise ArteryError(
                "IN907",
                f"gave up after waiting {lock_timeout_ms} ms for a lock",
                "; ".join(_holders(conn)) or "Whoever held it has let it go by now.",
                "Wait for those sessions or end them, then migrate again; --lock-timeout waits longer.",
            ) from error


def migrate(
    dsn: str = "",
    *,
    target: str | None = None,
    source: Source | None = None,
    lock_timeout_ms: int = 10_000,
    say: Say = lambda _: None,
) -> MigrateResult:
    """Apply what is pending and load the code where it differs.

    :param dsn: libpq connection string; empty = libpq's environment
    :param target: last migration to apply; then the code is not loaded, as it goes with the newest schema
    :param lock_timeout_ms: longest wait for a table's lock, in milliseconds
    :param say: gets a line of progress at a time
    :raises ArteryError: IN901 to IN911, see docs/sqlstates.md
    :raises psycopg.Error: from the connection
    """
    started = time.monotonic()
    source = source or Source()
    code = source.code()
    migrations = load_migrations(source.migrations)
    notices: list[str] = []
    with installer(dsn, lock_timeout_ms, say, notices) as backend:
        _check(backend, migrations)
        pending = [m for m in backend.to_apply(migrations) if target is None or m.id <= target]
        for migration in pending:
            say(f"applying {migration.id}")
            backend.apply_one(migration)
        applied = backend.applied()
        loaded = False
        if (
            target is None
            and applied
            and _code_state(backend.connection, code, applied) != "up to date"
        ):
            say(f"loading {len(code.files)} files of sql/")
            with backend.transaction():
                loader.load(backend.connection, code, _schema_checksum(applied))
            loaded = True
    return MigrateResult(
        [m.id for m in pending],
        "loaded" if loaded else "unchanged",
        len(code.files),
        max(applied, default=None),
        round(time.monotonic() - started, 3),
        notices,
    )


def status(dsn: str = "", *, source: Source | None = None) -> Status:
    """Compare a database with the package; takes no lock and changes nothing."""
    source = source or Source()
    code = source.code()
    ours = {m.id: checksum(read_text(Path(m.path))) for m in load_migrations(source.migrations)}
    with psycopg.connect(dsn, autocommit=True, application_name="artery migrate status") as conn:
        _refuse_extension(conn)
        applied = Backend(conn).applied()
        state = _code_state(conn, code, applied)
        version = None
        if applied:
            row = conn.execute(
                f"select c.version from {INSTALL_SCHEMA}.code as c where c.loaded"
            ).fetchone()
            version = row[0] if row else None
    pending = sorted(ours.keys() - applied.keys())
    edited = [i for i in sorted(applied) if i in ours and applied[i] != ours[i]]
    unknown = sorted(applied.keys() - ours.keys())
    fine = not pending and not edited and not unknown and state == "up to date"
    return Status(sorted(applied), pending, edited, unknown, state, version, fine)


def _schema_checksum(applied: dict[str, str]) -> str:
    return checksum("\0".join(f"{i} {applied[i]}" for i in sorted(applied)))


def _code_state(conn: Connection, code: Code, applied: dict[str, str]) -> str:
    row = None
    if applied:
        row = conn.execute(
            f"select c.checksum, c.fingerprint, c.schema_checksum from {INSTALL_SCHEMA}.code as c where c.loaded"
        ).fetchone()
    if not row:
        return "not loaded"
    if row[0] != code.checksum or row[2] != _schema_checksum(applied):
        return "differs"
    if row[1] != catalog.fingerprint(catalog.code_objects(conn)):
        return "changed in the database"
    return "up to date"


def _check(backend: Backend, migrations: Any) -> None:
    applied = backend.applied()
    ours = {m.id: checksum(read_text(Path(m.path))) for m in migrations}
    unknown = sorted(applied.keys() - ours.keys())
    if unknown:
        raise ArteryError(
            "IN903",
            "the database has migrations that this version of pg_artery does not know",
            f"Applied, but no file: {', '.join(unknown)}.",
            "Use the version of pg_artery that applied them; to go back, roll back with that version first.",
        )
    edited = [i for i in sorted(applied) if applied[i] != ours[i]]
    if edited:
        raise ArteryError(
            "IN901",
            "an applied migration was edited",
            f"Not the file that was applied: {', '.join(edited)}.",
            "Restore the file and put the change into a new migration.",
        )


def _refuse_extension(conn: Connection) -> None:
    if conn.execute("select from pg_catalog.pg_extension where extname = 'pg_artery'").fetchone():
        raise ArteryError(
            "IN902",
            "pg_artery is installed in this database as an extension",
            "Migrations and CREATE EXTENSION are two ways to install the same objects, not to be mixed.",
            "Update it with: alter extension pg_artery update; or drop the extension first.",
        )


def _lock(conn: Connection, say: Say) -> None:
    # polled, since a session that blocks in a statement would hold up CREATE INDEX CONCURRENTLY elsewhere
    told = False
    while not conn.execute("select pg_catalog.pg_try_advisory_lock(%s, %s)", LOCK_KEY).fetchone()[
        0
    ]:  # type: ignore[index]
        if not told:
            say("another artery migrate is at work in this database: waiting for it")
            told = True
        time.sleep(0.1)


def _holders(conn: Connection) -> list[str]:
    rows = conn.execute(
        """
        select format(
            'pid %s (%s, %s, %s since %s) holds %s on %s', a.pid, a.usename, coalesce(nullif(a.application_name, ''), '-'),
            a.state, to_char(a.state_change, 'HH24:MI:SS'), string_agg(distinct l.mode, ', '),
            string_agg(distinct l.relation::pg_catalog.regclass::text, ', '))
        from pg_catalog.pg_locks as l
        join pg_catalog.pg_stat_activity as a on a.pid = l.pid
        join pg_catalog.pg_class as c on c.oid = l.relation
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where l.granted and l.pid <> pg_catalog.pg_backend_pid()
            and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
            and n.nspname not in ('pg_catalog', 'pg_toast')
        group by a.pid, a.usename, a.application_name, a.state, a.state_change
        order by a.state_change
        limit 10
        """
    )
    return [line for (line,) in rows]
