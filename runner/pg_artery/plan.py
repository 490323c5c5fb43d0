"""`artery migrate --plan`: which locks each step takes, and what it reads or rewrites. Measured.

The steps are executed, but elsewhere: in a scratch database that is brought to the same migrations
and the same code first, and is dropped afterwards. The database in question is only asked what it
has and how large its tables are: it sees no lock but those of such queries.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from yoyo.migrations import Migration

from pg_artery import loader, online, steps
from pg_artery.backend import Backend, file_checksums, load_migrations
from pg_artery.catalog import Connection
from pg_artery.errors import ArteryError
from pg_artery.migrate import Report, Source, check, code_state, rollback
from pg_artery.resources import Code, read_code, read_text
from pg_artery.session import Say, installer, refuse_extension

#: what a lock keeps out, weakest first; the modes below are those of plain queries
BLOCKS = {
    "row exclusive": "changes of the same rows",
    "share update exclusive": "changes of the table's form",
    "share": "writes",
    "share row exclusive": "writes",
    "exclusive": "writes",
    "access exclusive": "reads and writes",
}

# a partition counts as its table; counters and files tell what was read and what was rewritten
_RELATIONS = r"""
select
    c.oid::bigint, n.nspname || '.' || r.relname, c.relkind::text,
    coalesce(pg_relation_filenode(c.oid)::bigint, 0),
    coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0)
from pg_class as c
join pg_class as r on r.oid = coalesce(pg_partition_root(c.oid), c.oid)
join pg_namespace as n on n.oid = c.relnamespace
left join pg_stat_xact_all_tables as s on s.relid = c.oid
where
    c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    and (n.nspname = 'artery' or n.nspname like 'artery\_%') and n.nspname <> 'artery_install'
"""
_LOCKS = r"""
select l.relation::bigint, lower(regexp_replace(l.mode, '(?<=[a-z])(?=[A-Z])|Lock$', ' ', 'g'))
from pg_locks as l
where l.locktype = 'relation' and l.pid = pg_backend_pid()
"""
_SIZES = r"""
select
    n.nspname || '.' || r.relname,
    sum(c.reltuples::bigint) filter (where c.reltuples >= 0),
    sum(pg_total_relation_size(c.oid))::bigint
from pg_class as c
join pg_class as r on r.oid = coalesce(pg_partition_root(c.oid), c.oid)
join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and (n.nspname = 'artery' or n.nspname like 'artery\_%')
group by 1
"""


@dataclass(frozen=True)
class Lock:
    """A lock of a step on a relation that is there now, and what is done to that."""

    relation: str
    view: bool
    mode: str
    keeps_out: str
    rewritten: bool
    read: bool
    rows: int | None  # about, now; None: never counted, see ANALYZE
    bytes: int  # with indexes, now


@dataclass(frozen=True)
class Step:
    """A migration, or the loading of the code."""

    name: str
    transaction: bool  # False: each statement by itself, see online.py
    lock_wait_s: float | None  # longest wait for each lock; None: without limit
    seconds: float  # on empty tables
    locks: list[Lock]


@dataclass(frozen=True)
class Plan(Report):
    """The steps of a migration, in order."""

    head: str | None
    measured: bool  # False where nothing of ours is there that could be locked
    steps: list[Step]


@dataclass(frozen=True)
class _Relation:
    name: str
    kind: str
    file: int
    reads: int


def _silent(_: str) -> None:
    pass


def plan(
    dsn: str = "",
    *,
    scratch: str | None = None,
    source: Source | None = None,
    lock_timeout: float = 10,
    say: Say = _silent,
) -> Plan:
    """Find what a migration of this database would lock, read and rewrite.

    :param dsn: libpq connection string of the database in question
    :param scratch: of an empty database to try it in; None = one that is made on the same server
        and dropped again
    :param lock_timeout: as it will be given to the migration, in seconds
    :raises ArteryError: IN901 to IN911; IN916 if the scratch database cannot be had
    """
    source = source or Source()
    code = read_code(source.sql)
    migrations = load_migrations(source.migrations)
    with psycopg.connect(dsn, autocommit=True, application_name="artery migrate --plan") as conn:
        refuse_extension(conn)
        applied = Backend(conn).applied()
        check(applied, file_checksums(migrations))
        old = loader.stored_code(conn, steps.state_checksum(applied)) if applied else None
        load = code_state(conn, code, applied) != "up to date"
        sizes = {name: (rows, size) for name, rows, size in conn.execute(_SIZES)}
    pending = [m for m in migrations if m.id not in applied]
    head = max(applied, default=None)
    load = load or bool(pending)
    if not applied or not load:
        names = [m.id for m in pending] + ["sql/"] * load
        return Plan(head, False, [Step(name, True, lock_timeout, 0, []) for name in names])
    with (
        _database(dsn, scratch, source) as where,
        installer(where, lock_timeout, say, []) as backend,
    ):
        say("building the same schema in the scratch database")
        for migration in migrations:
            if migration.id in applied:
                backend.apply_one(migration)
        if old:
            with backend.transaction():
                loader.load(backend.connection, old, steps.state_checksum(applied))
        return Plan(head, True, _measure(backend, pending, code, sizes, lock_timeout, say))


@contextlib.contextmanager
def _database(dsn: str, scratch: str | None, source: Source) -> Iterator[str]:
    if scratch is not None:
        with psycopg.connect(scratch, autocommit=True) as conn:
            if Backend(conn).installed:
                raise _no_scratch("pg_artery is installed in it")
        try:
            yield scratch
        finally:
            rollback(scratch, everything=True, confirm=lambda _: True, source=source)
        return
    name = f"artery_plan_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(dsn, autocommit=True, application_name="artery migrate --plan") as conn:
        try:
            conn.execute(
                sql.SQL("create database {} template template0").format(sql.Identifier(name))
            )
        except psycopg.Error as error:
            raise _no_scratch(str(error.diag.message_primary or error)) from error
        try:
            yield make_conninfo(dsn, dbname=name)
        finally:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _no_scratch(reason: str) -> ArteryError:
    return ArteryError(
        "IN916",
        "there is no scratch database to measure in",
        reason,
        "Give an empty one with --scratch, on any server of the same version, or the right to make "
        "one: alter role … createdb.",
    )


def _measure(
    backend: Backend,
    pending: list[Migration],
    code: Code,
    sizes: dict[str, tuple[int | None, int]],
    lock_timeout: float,
    say: Say,
) -> list[Step]:
    conn = backend.connection
    there = _relations(conn).keys()  # what a step makes is empty, and nobody's yet
    found: list[Step] = []

    def try_out(name: str, action: Callable[[], object]) -> None:
        say(f"trying {name}")
        with backend.transaction():
            before = _relations(conn)
            started = time.monotonic()
            action()
            seconds = round(time.monotonic() - started, 3)
            after = _relations(conn)
            locks = _locks(conn, there, before, after, sizes)
        found.append(Step(name, True, lock_timeout, seconds, locks))

    for migration in pending:
        text = read_text(Path(migration.path))
        if online.is_online(text):
            say(f"trying {migration.id}")
            started = time.monotonic()
            backend.apply_one(migration)
            seconds = round(time.monotonic() - started, 3)
            parts = online.statements(migration.id, text)
            names = sorted({part.table for part in parts if part.table} & sizes.keys())
            mode = "share update exclusive"
            locks = [Lock(n, False, mode, BLOCKS[mode], False, True, *sizes[n]) for n in names]
            found.append(Step(migration.id, False, None, seconds, locks))
        else:
            try_out(migration.id, lambda m=migration: backend.apply_one(m))  # type: ignore[misc]
    state = steps.state_checksum(backend.applied())
    try_out("sql/", lambda: loader.load(conn, code, state))
    return found


def _relations(conn: Connection) -> dict[int, _Relation]:
    return {oid: _Relation(*rest) for oid, *rest in conn.execute(_RELATIONS)}


def _locks(
    conn: Connection,
    there: Any,
    before: dict[int, _Relation],
    after: dict[int, _Relation],
    sizes: dict[str, tuple[int | None, int]],
) -> list[Lock]:
    strength = list(BLOCKS)
    strongest: dict[str, tuple[int, bool, bool, bool]] = {}
    for oid, mode in conn.execute(_LOCKS):
        was, now = before.get(oid), after.get(oid)
        if was is None or oid not in there or mode.strip() not in BLOCKS:
            continue
        level, view, rewritten, read = strongest.get(was.name, (0, was.kind == "v", False, False))
        strongest[was.name] = (
            max(level, strength.index(mode.strip())),
            view,
            rewritten or (now is not None and now.file != was.file),
            read or (now is not None and now.reads > was.reads),
        )
    return [
        Lock(name, view, mode, BLOCKS[mode], rewritten, read, *sizes.get(name, (0, 0)))
        for name, (level, view, rewritten, read) in sorted(strongest.items())
        for mode in [strength[level]]
    ]
