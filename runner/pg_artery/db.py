"""Every statement that the runner sends to PostgreSQL: calls of functions, and no table by name.

A `Session` is one connection, used by one thread. Each of its methods is one autocommitted call, so
that no transaction is ever open while HTTP is under way, and so that pgbouncer in transaction mode
serves as well as PostgreSQL itself (no prepared statements, no session settings).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

T = TypeVar("T")

REGISTER = "select artery.register_runner(%s, %s, %s, %s)"
CLAIM = """
    select c.id, c.attempt, c.request_id::text, c.endpoint_id, c.endpoint_version, c.method, c.path,
        c.content_type, c.headers::text, c.body, c.download_bytes, c.delay_ms
    from artery.claim_tasks(%s, %s, %s, %s) as c"""
ENDPOINTS = """
    select e.id, e.version, e.name, e.base_url, e.auth_kind, e.secret_ref, e.headers,
        e.connect_timeout_ms, e.tls_timeout_ms, e.first_byte_timeout_ms, e.total_timeout_ms,
        e.max_response_bytes, e.enabled, e.idempotent, e.signing_ref, e.egress_rules, e.access
    from artery.endpoint_config(%s) as e"""
ENDPOINT_ID = "select artery.endpoint_id(%s)"
ENDPOINT_LIST = """
    select e.name, e.base_url, e.enabled, e.breaker, e.auth_kind, e.egress_rules, e.topics
    from artery.list_endpoints() as e"""
SECRETS = """
    select s.name, s.version, s.key_id, s.endpoint_id, s.base_url, s.ciphertext
    from artery.vault_secrets(%s) as s"""
VAULT_SLOT = """
    select s.version, s.live, s.endpoint_id, s.endpoint, s.base_url
    from artery.secret_slot(%s, %s) as s"""
VAULT_PUT = "select artery.put_secret(%s, %s, %s, %s, %s, %s)"
VAULT_LIST = """
    select s.name, s.version, s.state, s.key_id, s.endpoint, s.base_url, s.used_by, s.created_at,
        s.created_by, s.retired_at
    from artery.list_secrets() as s"""
VAULT_RETIRE = "select artery.retire_secret(%s, %s)"
VAULT_REKEY = "select artery.rekey_secret(%s, %s, %s, %s, %s)"
STORE_CHUNK = "select artery.store_chunk(%s, %s, %s, %s, %b)"
FINISH_DOWNLOAD = "select artery.finish_download(%s, %s, %s, %s, %s, %b, %s::jsonb)"
REPORT = "select artery.report_results(%s, %s::jsonb)"
RENEW = "select artery.renew_leases(%s, %s, %s, %s)"
RELEASE = "select artery.release_leases(%s, %s, %s)"
SLEEP = "select artery.runner_sleep(%s)"
HEARTBEAT = "select artery.runner_heartbeat(%s, %s::jsonb)"
STOP = "select artery.stop_runner(%s)"
TICK = "call artery.tick()"
BOM_IMPORT = "select artery_api_v1.import_bom(%s::jsonb)"
BOM_IMPORT_TEXT = "select artery_api_v1.import_bom_xml(%s)"
BOM_TREE = """
    select t.level, t.line_no, t.item, t.name, t.required, t.unit, t.revision, t.issue_method,
        t.operation_no, t.note, t.item_code
    from artery_erp.bom_tree(%s, %s, %s, %s) as t"""
BOM_WHERE_USED = """
    select w.level, repeat('  ', w.level - 1) || w.parent_code as used_in, w.revision, w.line_no,
        w.required, w.unit, w.top, w.cyclic, w.missing, w.parent_code as item_code
    from artery_erp.where_used(%s, %s, %s) as w"""
BOM_DIFF = """
    select d.line_no, d.change, d.component_code, d.property, d.from_value, d.to_value
    from artery_erp.bom_diff(%s, %s, %s) as d"""
CANCEL_OVERDUE = "select artery.cancel_overdue_steps()"
ATTACHMENTS = """
    select a.id, a.document_type, a.document_id, a.topic, a.kind, a.file_name, a.content_type,
        a.bytes, a.sha256, a.chunks, a.attached_at
    from artery.list_attachments(%s, %s, %s) as a"""
ATTACHMENT = "select a.* from artery.attachment_info(%s) as a"
ATTACHMENT_PIECE = "select artery.attachment_piece(%s, %s)"
OEE = """
    select o.equipment_code, o.day, o.shift_code, o.oee, o.availability, o.effectiveness, o.quality,
        o.planned_operation, o.planned_down, o.planned_busy, o.production, o.down, o.unknown,
        o.produced, o.good, o.reject, o.ideal, o.no_cycle, o.off_shift, o.flags
    from artery_iot.equipment_oee(%s, %s, %s, %s) as o"""
OEE_LIVE = """
    select l.equipment_code, l.name, l.device, l.state, l.reason_code, l.since, l.last_seen,
        l.shift_code, l.produced, l.good, l.oee
    from artery_iot.live_states(%s) as l"""
LISTEN = "listen artery_wake"
LISTEN_HOLD = "listen artery_hold"

# A DSN may override each of these; a peer that vanishes is noticed within about 20 s.
DEFAULTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
    "target_session_attrs": "read-write",
}

# SQLSTATEs after which the same call may succeed a little later, by class or in full
TRANSIENT = ("08", "53", "57P", "40001", "40P01", "55P03", "57014", "25006", "58")
BACKOFF_FIRST, BACKOFF_CAP = 0.05, 2.0


class Stopped(Exception):
    """Raised by `Session.call` when the runner is to end before PostgreSQL came back."""


def is_transient(error: psycopg.Error) -> bool:
    """Tell whether `error` is PostgreSQL's absence or a clash, not a refusal of what was asked."""
    if error.sqlstate is not None:
        return error.sqlstate.startswith(TRANSIENT)
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def conninfo(dsn: str, application_name: str) -> str:
    """Complete `dsn` (a libpq string or URL, may be empty) with the runner's defaults."""
    given = conninfo_to_dict(dsn)
    return make_conninfo(**{"application_name": application_name, **DEFAULTS, **given})


class Session:
    """One autocommitting connection that comes back after a restart of PostgreSQL.

    Parameters: `dsn` complete, see `conninfo`; `give_up` tells whether to stop waiting for
    PostgreSQL; `pause` sleeps the given seconds or less; `on_retry` is told each failed try.
    """

    def __init__(
        self,
        dsn: str,
        give_up: Callable[[], bool] = lambda: False,
        pause: Callable[[float], object] = time.sleep,
        on_retry: Callable[[psycopg.Error, float], object] = lambda *_: None,
    ) -> None:
        self._dsn = dsn
        self._give_up = give_up
        self._pause = pause
        self._on_retry = on_retry
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return the connection, opening it where there is none or it is broken."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True, prepare_threshold=None)
        return self._connection

    def close(self) -> None:
        """Close the connection, if any."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def cancel(self) -> None:
        """Ask PostgreSQL to cancel what this connection executes; safe from another thread."""
        connection = self._connection
        if connection is not None and not connection.closed:
            connection.cancel_safe(timeout=2.0)

    def call(self, operation: Callable[[], T]) -> T:
        """Run one of the methods below until it succeeds, however long PostgreSQL is away.

        Waits from 0.05 s doubling to 2 s, jittered. Every function that the runner calls may be
        called again. Errors: `Stopped`; any psycopg error that waiting does not mend.
        """
        delay = BACKOFF_FIRST
        while True:
            try:
                return operation()
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
                if self._give_up():
                    raise Stopped from error
                wait = delay * random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311 - jitter
                self._on_retry(error, wait)
            self._pause(wait)
            delay = min(delay * 2, BACKOFF_CAP)

    def _value(self, statement: LiteralString, arguments: Sequence[Any]) -> Any:
        row = self.connect().execute(statement, arguments).fetchone()
        return row[0] if row else None

    def register(self, name: str, host: str, pid: int, version: str) -> int:
        """Enter this process into the registry of runners; gives its number."""
        return int(self._value(REGISTER, (name, host, pid, version)))

    def claim(
        self, runner: int, limit: int, lease: float, left_out: Sequence[int]
    ) -> list[tuple[Any, ...]]:
        """Claim up to `limit` due tasks for `lease` seconds, none of the endpoints `left_out`.

        Gives rows with the columns of CLAIM.
        """
        arguments = (runner, limit, timedelta(seconds=lease), list(left_out))
        return self.connect().execute(CLAIM, arguments).fetchall()

    def endpoints(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Give the configuration of these endpoints, the columns of ENDPOINTS by name."""
        with self.connect().cursor(row_factory=dict_row) as cursor:
            return cursor.execute(ENDPOINTS, (list(ids),)).fetchall()

    def secrets(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Give the live versions of these secrets, sealed; columns as in SECRETS."""
        return self.connect().execute(SECRETS, (list(names),)).fetchall()

    def report(self, runner: int, results: str) -> dict[str, Any]:
        """Write results (a JSON array) back: {"applied", "stale", "handler_failed"}."""
        return dict(self._value(REPORT, (runner, results)))

    def store_chunk(
        self, runner: int, task: int, attempt: int, position: int, data: bytes
    ) -> dict[str, Any] | None:
        """Store a piece of a file; gives {"error_kind", "error"} if no more of it is wanted."""
        told = self._value(STORE_CHUNK, (runner, task, attempt, position, data))
        return None if told is None else dict(told)

    def finish_download(
        self,
        runner: int,
        task: int,
        attempt: int,
        pieces: int,
        size: int,
        digest: bytes,
        headers: dict[str, str],
    ) -> dict[str, Any]:
        """Attach a file: gives what it is called, or {"error_kind", "error"} if it is refused."""
        arguments = (runner, task, attempt, pieces, size, digest, json.dumps(headers))
        return dict(self._value(FINISH_DOWNLOAD, arguments))

    def renew(self, runner: int, ids: list[int], attempts: list[int], lease: float) -> list[int]:
        """Extend leases to `lease` seconds from now; gives the ids that are still ours."""
        arguments = (runner, ids, attempts, timedelta(seconds=lease))
        return list(self._value(RENEW, arguments) or ())

    def release(self, runner: int, ids: list[int], attempts: list[int]) -> int:
        """Give tasks back unsent; gives how many were still ours."""
        return int(self._value(RELEASE, (runner, ids, attempts)))

    def sleep(self, runner: int) -> float | None:
        """Say that this runner sleeps; gives seconds until a task is due, None if none is known."""
        seconds = self._value(SLEEP, (runner,))
        return None if seconds is None else float(seconds)

    def heartbeat(self, runner: int, stats: str) -> None:
        """Say that this runner lives, with its figures as a JSON object."""
        self._value(HEARTBEAT, (runner, stats))

    def stop(self, runner: int) -> None:
        """Say that this runner ended in good order."""
        self._value(STOP, (runner,))

    def tick(self) -> None:
        """Run what is due on the clock; the procedure commits between its steps."""
        self.connect().execute(TICK)

    def cancel_overdue(self) -> int:
        """Cancel sweep steps of other sessions that ignore their time limit; gives how many."""
        return int(self._value(CANCEL_OVERDUE, ()))

    def listen(self) -> int:
        """Subscribe to wake-ups and to holds; gives the file descriptor to wait on."""
        connection = self.connect()
        connection.execute(LISTEN)
        connection.execute(LISTEN_HOLD)
        return connection.fileno()

    def drain_notifications(self) -> tuple[bool, list[int]]:
        """Read what arrived without waiting; gives whether to wake, and the endpoints on hold.

        Errors: psycopg.OperationalError when the connection is gone.
        """
        pgconn = self.connect().pgconn
        pgconn.consume_input()
        wake, held = False, []
        while (notification := pgconn.notifies()) is not None:
            if notification.relname == b"artery_hold":
                held.append(int(notification.extra))
            else:
                wake = True
        return wake, held
