"""The one connection that changes our schema: guarded, locked, impatient about others' locks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import psycopg

from pg_artery import steps
from pg_artery.backend import Backend
from pg_artery.catalog import Connection
from pg_artery.errors import ArteryError, sql_error

Say = Callable[[str], None]

_HOLDERS = r"""
select format(
    'pid %s (user %s, application %s, %s) holds %s on %s',
    a.pid, a.usename, coalesce(nullif(a.application_name, ''), '-'),
    coalesce(a.state || ' since ' || to_char(a.state_change, 'HH24:MI:SS'), 'state not visible'),
    string_agg(distinct l.mode, ', '),
    string_agg(distinct l.relation::pg_catalog.regclass::text, ', ')
)
from pg_catalog.pg_locks as l
join pg_catalog.pg_stat_activity as a on a.pid = l.pid
join pg_catalog.pg_class as c on c.oid = l.relation
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    l.granted
    and l.pid <> pg_catalog.pg_backend_pid()
    and a.datname = pg_catalog.current_database()
    and (n.nspname = 'artery' or n.nspname like 'artery\_%')
group by a.pid, a.usename, a.application_name, a.state, a.state_change
order by a.state_change
limit 10
"""


def refuse_extension(conn: Connection) -> None:
    """Refuse a database that has pg_artery by CREATE EXTENSION.

    :raises ArteryError: IN902
    """
    try:
        conn.execute(steps.REFUSE_EXTENSION)
    except psycopg.Error as error:
        raise sql_error(error) from error


@contextlib.contextmanager
def installer(dsn: str, lock_timeout: float, say: Say, notices: list[str]) -> Iterator[Backend]:
    """Connect, take the lock, give yoyo's backend.

    :param dsn: libpq connection string, to the server itself: a pooler in transaction mode would
        not hold the lock
    :param lock_timeout: longest wait for a lock on a table, in seconds
    :param say: gets a line when it has to wait
    :param notices: gets the server's warnings
    :raises ArteryError: IN902 in extension mode, IN907 naming who holds the locks
    """

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            parts = (diagnostic.message_primary, diagnostic.message_hint)
            notices.append(". ".join(filter(None, parts)))

    with psycopg.connect(
        dsn,
        autocommit=True,
        prepare_threshold=None,
        application_name="artery migrate",
        client_encoding="UTF8",
    ) as conn:
        conn.add_notice_handler(note)
        refuse_extension(conn)
        _lock(conn, say)
        conn.execute(
            "select pg_catalog.set_config('lock_timeout', %s, false)", (f"{lock_timeout}s",)
        )
        conn.execute("set search_path = artery_install")
        conn.execute(steps.CHECK_CLIENT)
        try:
            yield Backend(conn)
        except psycopg.errors.LockNotAvailable as error:
            raise ArteryError(
                "IN907",
                f"gave up after waiting {lock_timeout:g} s for a lock",
                "; ".join(line for (line,) in conn.execute(_HOLDERS))
                or "Whoever held it has let it go by now.",
                "Wait for those sessions or end them, and run again; or raise --lock-timeout.",
            ) from error


def _lock(conn: Connection, say: Say) -> None:
    # polled: a session that blocks in a statement holds up CREATE INDEX CONCURRENTLY elsewhere
    told = False
    while True:
        row = conn.execute(
            "select pg_catalog.pg_try_advisory_lock(%s, %s)", steps.LOCK_KEY
        ).fetchone()
        if row and row[0]:
            return
        if not told:
            say("another artery migrate is at work in this database: waiting for it")
            told = True
        time.sleep(0.1)
