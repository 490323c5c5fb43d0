"""`artery migrate`: the versioned migrations through yoyo, then all of sql/ in one transaction.

One connection does everything and holds an advisory lock the while. Killed at any statement, it
leaves a schema that the next run takes up: each step commits together with the mark that says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from yoyo.migrations import Migration

from pg_artery import catalog, loader, steps
from pg_artery.backend import Backend, file_checksums, list_migrations, load_migrations
from pg_artery.catalog import Connection
from pg_artery.errors import ArteryError
from pg_artery.losses import Loss, losses, tables
from pg_artery.releases import releases
from pg_artery.resources import Code, migrations_dir, read_code
from pg_artery.session import Say, installer, refuse_extension


@dataclass(frozen=True)
class Source:
    """Migrations and code to work with; by default those of the package."""

    migrations: Path = field(default_factory=migrations_dir)
    sql: Path | None = None


class Report:
    """What programs read."""

    def as_dict(self) -> dict[str, Any]:
        """Give the fields as JSON takes them."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class MigrateResult(Report):
    """What a run of migrate did."""

    applied: list[str]
    code: str  # loaded | unchanged
    files: int
    head: str | None
    seconds: float
    notices: list[str]


@dataclass(frozen=True)
class RollbackResult(Report):
    """What a rollback did; code: loaded (of the state before) | none."""

    rolled_back: list[str]
    code: str
    head: str | None
    lost: list[Loss]


@dataclass(frozen=True)
class Status(Report):
    """What a database has, against what the package brings."""

    applied: list[str]
    pending: list[str]
    edited: list[str]
    unknown: list[str]
    code: str  # up to date | differs | changed in the database | not loaded
    version: str | None
    up_to_date: bool


def _silent(_: str) -> None:
    pass


def _refuse(_: list[Loss]) -> bool:
    return False


def migrate(
    dsn: str = "",
    *,
    target: str | None = None,
    source: Source | None = None,
    lock_timeout: float = 10,
    say: Say = _silent,
) -> MigrateResult:
    """Apply what is pending and load the code where it differs.

    :param dsn: libpq connection string; empty = libpq's environment
    :param target: last migration to apply; the code, which goes with the newest, is not loaded then
    :param lock_timeout: longest wait for a table's lock, in seconds
    :param say: gets a line of progress at a time
    :raises ArteryError: IN901 to IN911, see docs/sqlstates.md
    :raises psycopg.Error: from the connection
    """
    started = time.monotonic()
    source = source or Source()
    code = read_code(source.sql)
    migrations = load_migrations(source.migrations)
    notices: list[str] = []
    loaded = False
    with installer(dsn, lock_timeout, say, notices) as backend:
        check(backend.applied(), file_checksums(migrations))
        pending = [m for m in backend.to_apply(migrations) if target is None or m.id <= target]
        for migration in pending:
            say(f"applying {migration.id}")
            backend.apply_one(migration)
        applied = backend.applied()
        if target is None and code_state(backend.connection, code, applied) != "up to date":
            say(f"loading {len(code.files)} files of sql/")
            with backend.transaction():
                loader.load(backend.connection, code, steps.state_checksum(applied))
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
    code = read_code(source.sql)
    ours = file_checksums(list_migrations(source.migrations))
    with psycopg.connect(dsn, autocommit=True, application_name="artery migrate status") as conn:
        refuse_extension(conn)
        applied = Backend(conn).applied()
        state = code_state(conn, code, applied)
        row = None
        if applied:
            row = conn.execute(
                "select c.version from artery_install.code as c where c.loaded"
            ).fetchone()
    pending = sorted(ours.keys() - applied.keys())
    edited = _edited(applied, ours)
    unknown = sorted(applied.keys() - ours.keys())
    fine = not (pending or edited or unknown) and state == "up to date"
    return Status(sorted(applied), pending, edited, unknown, state, row[0] if row else None, fine)


def rollback(
    dsn: str = "",
    *,
    to: str | None = None,
    everything: bool = False,
    confirm: Callable[[list[Loss]], bool] = _refuse,
    source: Source | None = None,
    lock_timeout: float = 10,
    say: Say = _silent,
) -> RollbackResult:
    """Roll back the newest migration, or several, all in one transaction.

    The code goes first; the code that was loaded at the state gone back to, if any was, comes back.

    :param to: roll back all migrations after this one, or after the last one of this version
    :param everything: roll back all migrations
    :param confirm: is asked, before anything happens, whether the rows it is given may be lost
    :param lock_timeout: longest wait for a table's lock, in seconds
    :raises ArteryError: IN906 if the loss of data is not confirmed, IN910 if there is no such
        migration, 2BP01 if objects of the user's need ours
    """
    source = source or Source()
    migrations = load_migrations(source.migrations)
    versions = {release.version: release.last_migration for release in releases(source.migrations)}
    to = to and versions.get(to, to)
    with installer(dsn, lock_timeout, say, []) as backend:
        conn = backend.connection
        doomed = _doomed(backend, migrations, to, everything)
        before = tables(conn)
        with backend.transaction(rollback_on_exit=True):
            _roll_back(backend, doomed, _silent)
            after = tables(conn)
        with backend.transaction():
            lost = losses(conn, before, after)
        if lost and not confirm(lost):
            raise _would_lose(lost)
        with backend.transaction():
            # rows may have come while the question was open
            now = losses(conn, before, after, lock=True)
            if not {loss.what for loss in now} <= {loss.what for loss in lost}:
                raise _would_lose(now)
            code = _roll_back(backend, doomed, say)
        head = max(backend.applied(), default=None)
    return RollbackResult([m.id for m in doomed], "loaded" if code else "none", head, lost)


def _roll_back(backend: Backend, doomed: list[Migration], say: Say) -> Code | None:
    conn = backend.connection
    say(f"dropped {len(loader.drop(conn))} functions, views and triggers")
    for migration in doomed:
        say(f"rolling back {migration.id}")
        backend.rollback_one(migration)
    applied = backend.applied()
    code = loader.stored_code(conn, steps.state_checksum(applied)) if applied else None
    if code:
        say(f"loading the {len(code.files)} files of sql/ that went with {max(applied)}")
        loader.load(conn, code, steps.state_checksum(applied))
    return code


def _doomed(backend: Backend, migrations: Any, to: str | None, everything: bool) -> list[Migration]:
    applied = backend.applied()
    if not applied or (to is not None and to not in applied):
        raise ArteryError(
            "IN910",
            f"migration {to} is not applied" if applied else "no migration is applied",
            f"Applied: {', '.join(applied) or 'none'}.",
            "See artery migrate status.",
        )
    names = sorted(applied, reverse=True)
    if not everything:
        names = names[: names.index(to)] if to is not None else names[:1]
    check(dict.fromkeys(names, ""), dict.fromkeys(file_checksums(migrations), ""))
    return [m for m in backend.to_rollback(migrations) if m.id in names]


def _would_lose(lost: list[Loss]) -> ArteryError:
    return ArteryError(
        "IN906",
        "the rollback would lose data",
        "; ".join(str(loss) for loss in lost),
        "Save what is needed and run again with --yes.",
    )


def code_state(conn: Connection, code: Code, applied: dict[str, str]) -> str:
    """Say how the code in the database compares with this: up to date, differs, …."""
    row = None
    if applied:
        row = conn.execute(
            "select c.checksum, c.schema_checksum, c.fingerprint "
            "from artery_install.code as c where c.loaded"
        ).fetchone()
    if not row:
        return "not loaded"
    if row[:2] != (code.checksum, steps.state_checksum(applied)):
        return "differs"
    if row[2] != catalog.fingerprint(conn):
        return "changed in the database"
    return "up to date"


def _edited(applied: dict[str, str], ours: dict[str, str]) -> list[str]:
    return [name for name in sorted(applied) if name in ours and applied[name] != ours[name]]


def check(applied: dict[str, str], ours: dict[str, str]) -> None:
    """Refuse a database that another version migrated, or files that were edited since.

    :raises ArteryError: IN901, IN903
    """
    unknown = sorted(applied.keys() - ours.keys())
    if unknown:
        raise ArteryError(
            "IN903",
            "the database has migrations that this version of pg_artery does not know",
            f"Applied, but no file: {', '.join(unknown)}.",
            "Use the version of pg_artery that applied them; to go back, roll back with it first.",
        )
    if edited := _edited(applied, ours):
        raise ArteryError(
            "IN901",
            "an applied migration was edited",
            f"Not the file that was applied: {', '.join(edited)}.",
            "Restore the file and put the change into a new migration.",
        )
