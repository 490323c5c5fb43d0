"""What stands around the sagas under test: receivers with faults to order, runners, a killer.

The receivers keep the truth (which effects there are, how often, undone or not); the database only
hears what gets through.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

STEPS = ("dispatch", "order", "invoice")
LEASE = "500 ms"
REPORT = "select artery.report_results(%s, %s)"

#: fault -> (error kind or status, on which attempts: all, or only the first, has an effect before)
FAULTS: dict[str, tuple[str | int, bool, bool]] = {
    "refused": (400, True, False),
    "down": (503, True, False),
    "broken": (500, True, False),
    "busy once": (429, False, False),
    "unreachable": ("connect", True, False),
    "never sent": ("dns", True, False),
    "lost": ("timeout", True, False),
    "lost once": ("reset", False, False),
    "answer lost": ("timeout", True, True),
    "answer lost once": ("reset", False, True),
    "runner dies before": ("crash", False, False),
    "runner dies after": ("crash", False, True),
    "killed in report": ("abort", False, True),
    "commit reply lost": ("resend", False, True),
}

# no breaker: an open one would keep a saga from the faults that it was given
SETUP = """
set role artery_admin;
insert into artery.endpoint (name, base_url, idempotent, connect_timeout, total_timeout,
    backoff_base, backoff_cap, max_attempts, breaker_min_calls)
select e.name, 'http://127.0.0.1:9/v1', e.name = 'mes', '20 ms', '200 ms', '5 ms', '40 ms', 3, 10000
from unnest(array['mes', 'supplier', 'tax']) as e (name);
insert into artery.route (topic, endpoint_id, method, path_template)
select r.topic, e.id, r.method, r.path
from (values
    ('dispatch', 'mes', 'POST', '/mo?key={key}'),
    ('dispatch.undo', 'mes', 'DELETE', '/mo/{request_id}?key={key}'),
    ('order', 'supplier', 'POST', '/po?key={key}'),
    ('order.undo', 'supplier', 'DELETE', '/po/{request_id}?key={key}'),
    ('order.query', 'supplier', 'GET', '/po/{request_id}?key={key}'),
    ('invoice', 'tax', 'POST', '/invoice?key={key}'),
    ('invoice.undo', 'tax', 'POST', '/invoice/red?key={key}')
) as r (topic, endpoint, method, path)
join artery.endpoint as e on e.name = r.endpoint;
update artery.route
set status_path_template = '/invoice/ask/{request_id}?key={document_id}',
    status_interval = '250 ms', status_deadline = '1 s'
where topic = 'invoice';
insert into artery.saga_definition (name) values ('order');
insert into artery.saga_step (saga, position, name, topic, undo_topic, query_topic, timeout) values
('order', 1, 'dispatch', 'dispatch', 'dispatch.undo', null, '1.5 s'),
('order', 2, 'order', 'order', 'order.undo', 'order.query', '1.5 s'),
('order', 3, 'invoice', 'invoice', 'invoice.undo', null, '1.5 s');
update artery.sweep_step set every = '40 ms'
where name in ('expire_leases', 'rerun_handlers', 'saga_timeouts', 'unblock_keys');
reset role;
"""


@dataclass
class World:
    """The receivers: per saga key and step, what took effect and what was undone."""

    plan: dict[str, dict[str, str]]  # saga key -> topic -> fault
    healed: bool = False
    effects: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    undone: set[tuple[str, str]] = field(default_factory=set)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def has_effect(self, key: str, step: str) -> bool:
        return bool(self.effects.get((key, step)))

    def call(self, topic: str, key: str, request_id: str) -> tuple[int | str, str | None]:
        """Give (status code or error kind, body); error kinds crash, abort, resend are ours."""
        with self.mutex:
            self.calls[(topic, request_id)] += 1
            first = self.calls[(topic, request_id)] == 1
            kind, always, effect_before = FAULTS.get(
                "" if self.healed else self.plan[key].get(topic, ""), ("", False, False)
            )
            # an undo has no timeout: what never gets out at all would go on for ever
            if kind == "dns" and topic.endswith(".undo"):
                always = self.calls[(topic, request_id)] < 6
            if kind and (first or always):
                if effect_before:
                    answer = self._apply(topic, key, request_id)
                    if kind in ("abort", "resend"):
                        return f"{kind}:{answer[0]}", answer[1]
                return kind, None
            return self._apply(topic, key, request_id)

    def _apply(self, topic: str, key: str, request_id: str) -> tuple[int, str | None]:
        step, _, part = topic.partition(".")
        at = (key, step)
        if part in ("query", "ask"):
            return (200, '{"asked": true}') if self.effects.get(at) else (404, None)
        if part == "undo":
            if not self.effects.get(at):
                self.blind.append(f"{key} {topic}")
            self.undone.add(at)
            return 200, None
        known = self.effects.setdefault(at, set())
        if step != "dispatch" and request_id in known:  # only the MES honours the Request-ID
            self.doubled.append(f"{key} {topic}")
        known.add(request_id)
        return 201, f'{{"no": "{step}-{key}"}}'


class Actor(threading.Thread):
    """A thread with a connection that may be killed under it at any time, and comes back."""

    def __init__(self, dsn: str, role: str, rng: random.Random, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.dsn, self.role, self.rng, self.stop_event = dsn, role, rng, stop
        self.error: BaseException | None = None
        self.conn: psycopg.Connection | None = None

    def connection(self) -> psycopg.Connection:
        if self.conn is None or self.conn.closed or self.conn.broken:
            name = make_conninfo(self.dsn, application_name="saga-actor")
            self.conn = psycopg.connect(name, autocommit=True)
            self.conn.execute(f"set role {self.role}")
            self.on_connect(self.conn)
        return self.conn

    def on_connect(self, conn: psycopg.Connection) -> None: ...

    def turn(self, conn: psycopg.Connection) -> None:
        raise NotImplementedError

    def run(self) -> None:
        while not self.stop_event.is_set():
            try:
                self.turn(self.connection())
            except psycopg.OperationalError:
                continue  # killed, or a lock that was not to be had
            except BaseException as error:  # a thread's own end would go unseen
                self.error = error
                return


class Runner(Actor):
    """Claims, calls the world, reports; `gate` is held while it has work in hand."""

    def __init__(self, world: World, *args: Any) -> None:
        super().__init__(*args)
        self.world, self.gate = world, threading.Lock()

    def on_connect(self, conn: psycopg.Connection) -> None:
        row = conn.execute("select artery.register_runner('t', 'h', 1, '0')").fetchone()
        assert row is not None
        self.id = row[0]

    def turn(self, conn: psycopg.Connection) -> None:
        with self.gate:
            claimed_at = time.monotonic()
            tasks = conn.execute(
                "select id, attempt, request_id::text, topic, path"
                " from artery.claim_tasks(%s, %s, %s::interval)",
                (self.id, self.rng.randint(1, 5), LEASE),
            ).fetchall()
            reports, ways = [], set()
            for task_id, attempt, request_id, topic, path in tasks:
                if time.monotonic() > claimed_at + 0.3:
                    break  # the lease may run out: not sent
                key = unquote(path.rpartition("key=")[2])
                if "/ask/" in path:  # the engine's own question, before any of the saga's
                    topic += ".ask"
                answer, body = self.world.call(topic, key, request_id)
                way, _, fact = str(answer).rpartition(":")
                ways.add(way or fact)
                reports.append(_report(task_id, attempt, fact, body))
            if "crash" in ways:
                conn.close()
            elif "abort" in ways:
                with contextlib.suppress(psycopg.OperationalError), conn.transaction():
                    conn.execute(REPORT, (self.id, Jsonb(reports)))
                    conn.close()  # before its commit: the server rolls back
            elif reports:
                for _ in range(2 if "resend" in ways else 1):
                    self._deliver(reports)
        if not tasks:
            time.sleep(0.01)

    def _deliver(self, reports: list[dict[str, Any]]) -> None:
        """Report until it is known to be committed, as the runner that claimed."""
        claimer = self.id
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                self.connection().execute(REPORT, (claimer, Jsonb(reports)))
                return


def _report(task_id: int, attempt: int, fact: str, body: str | None) -> dict[str, Any]:
    return {
        "id": task_id,
        "attempt": attempt,
        "span_id": f"{random.getrandbits(64):016x}",
        "status_code": int(fact) if fact.isdigit() else None,
        "error_kind": None if fact.isdigit() else fact,
        "error": None if fact.isdigit() else f"injected: {fact}",
        "url": "http://127.0.0.1:9/v1",
        "response_body": body,
        "response_bytes": len(body or ""),
        "ago_ms": 1,
        "total_ms": 1,
    }


class Ticker(Actor):
    """The clock."""

    def turn(self, conn: psycopg.Connection) -> None:
        conn.execute("call artery.tick()")
        time.sleep(0.02)


class Starter(Actor):
    """Starts each saga twice: by its key there is one."""

    def __init__(self, keys: list[str], *args: Any) -> None:
        super().__init__(*args)
        self.keys, self.ids = keys, dict[str, set[int]]()

    def turn(self, conn: psycopg.Connection) -> None:
        if not self.keys:
            time.sleep(0.05)
            return
        key = self.keys[0]
        for _ in range(2):
            row = conn.execute(
                "select artery.start_saga('order', %s, %s, 'order', %s)",
                (Jsonb({"key": key}), key, key),
            ).fetchone()
            assert row is not None
            self.ids.setdefault(key, set()).add(row[0])
        self.keys.pop(0)


class Undoer(Actor):
    """A person who has sagas undone, whatever state they are in."""

    def __init__(self, keys: list[str], *args: Any) -> None:
        super().__init__(*args)
        self.keys = keys

    def turn(self, conn: psycopg.Connection) -> None:
        time.sleep(0.01)
        if not self.keys:
            return
        key = self.keys.pop(0)
        row = conn.execute("select id from artery.saga where key = %s", (key,)).fetchone()
        try:
            if row is not None:
                conn.execute("select artery.compensate_saga(%s, 'changed their mind')", row)
                return
        except psycopg.Error as error:
            if error.sqlstate == "IN023":  # undone already
                return
            if not isinstance(error, psycopg.OperationalError):
                raise
        self.keys.append(key)


class Killer(Actor):
    """Terminates the others' backends."""

    kills = 0

    def turn(self, conn: psycopg.Connection) -> None:
        time.sleep(self.rng.uniform(0.02, 0.12))
        pids = conn.execute(
            "select pid from pg_stat_activity where application_name = 'saga-actor'"
            " and datname = current_database() and pid <> pg_backend_pid()"
        ).fetchall()
        if pids:
            conn.execute("select pg_terminate_backend(%s)", self.rng.choice(pids))
            self.kills += 1
