"""The thread that claims tasks: as many as can be sent soon, and waits well when there are none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Event
from time import monotonic

import psycopg
import structlog

from pg_artery import failpoint
from pg_artery.config import RunnerConfig
from pg_artery.db import Session, Stopped
from pg_artery.endpoint import Endpoint, vault_names
from pg_artery.leases import LeaseBook
from pg_artery.transport import Transport
from pg_artery.vault import References, load_keyring
from pg_artery.wakeup import Wakeup
from pg_artery.work import Task, lease_tasks

POLL_FIRST = 0.005
POLL_CAP_LISTENING, POLL_CAP = 1.0, 0.25  # seconds; notifications make up for the difference
POLL_CAP_SLOW = 0.05  # while endpoints are left out, which no notification brings back
SLOW = 1.0
LOOK_AGAIN = 1.0  # seconds after which an unusable endpoint is read anew
UNKNOWN_RUNNER = "IN012"
NOT_ARMED = "IN060"
LOOK_IF_ARMED = 5.0  # seconds between two looks whether the database may send by now
COMPLAIN_AGAIN = 60.0

Inbox = deque[tuple[Endpoint, list[Task]]]


class Claimer:
    """Claims for the transport's thread and puts what it got into `inbox`.

    It keeps no more tasks waiting than are sent in about a second: the allowance doubles while they
    go out faster than that and halves while they go out slower, between twice the concurrency and
    two batches. An endpoint that falls behind for longer than that is left out of further claims
    until it has caught up, so that its tasks wait in the database and not in the others' way.
    """

    def __init__(
        self,
        config: RunnerConfig,
        session: Session,
        listener: Session | None,
        book: LeaseBook,
        transport: Transport,
        deliver: Callable[[], None],
        hold: Callable[[int], None],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._config = config
        self.session = session
        self._listener = listener
        self._listening: int | None = None
        self._listen_again = 0.0
        self._book = book
        self._transport = transport
        self._deliver = deliver
        self._hold = hold
        self._log = log
        self._endpoints: dict[int, Endpoint] = {}
        self._floor = min(2 * config.concurrency, 2 * config.batch)
        self._allowance = self._floor
        self._handed = 0
        self._awaits_room = False
        self._slow: list[int] = []
        self._slow_waiting = 0
        self._complained: float | None = None  # when it last said that the database is not armed
        self.inbox: Inbox = deque()
        self.returned: deque[Task] = deque()
        self.wake = Wakeup()
        self.stopping = Event()
        self.ended = Event()
        self.number = 0

    def register(self, register: Callable[[], int]) -> None:
        """Get this runner's number; `register` is called again should the database forget it."""
        self._register = register
        self.number = register()

    def stop(self) -> None:
        """Make no further claim and let `run` return."""
        self.stopping.set()
        self.wake.set()

    def give_back(self, tasks: list[Task]) -> None:
        """Have tasks released that will not be sent; called by the transport's thread."""
        if tasks:
            self.returned.extend(tasks)
            self.wake.set()

    def note_room(self) -> None:
        """Wake the claimer if what it waits for has come; called by the transport's thread."""
        if self._awaits_room and self._unsent() <= self._allowance // 2:
            self._awaits_room = False
            self.wake.set()

    def run(self) -> None:
        """Claim until stopped, or until there is nothing left to do if the settings say so."""
        try:
            while not self.stopping.is_set():
                self._heed()
                began = monotonic()
                self._await_room()
                waited = monotonic() - began
                limit = max(min(self._config.batch, self._allowance - self._unsent()), 1)
                if not self._claim(limit):
                    self._sleep()
                elif waited < 0.5:
                    self._allowance = min(self._allowance * 2, 2 * self._config.batch)
                elif waited > 2:
                    self._allowance = max(self._allowance // 2, self._floor)
        except Stopped:
            pass
        finally:
            self.ended.set()

    def _unsent(self) -> int:
        """Give how many tasks wait to be sent, those of slow endpoints left out."""
        return self._handed - self._transport.taken - self._slow_waiting

    def _look_at_slow(self) -> None:
        self._slow, self._slow_waiting = self._transport.slow(SLOW)

    def _await_room(self) -> None:
        self._look_at_slow()
        while self._unsent() > self._allowance // 2 and not self.stopping.is_set():
            self._awaits_room = True
            if self._unsent() > self._allowance // 2:
                self.wake.wait(0.25, self._listen())
                self._heed()
            self._look_at_slow()

    def _claim(self, limit: int) -> int:
        """Claim up to `limit` tasks and hand them on; gives how many."""
        if failpoint.hit is not None:
            failpoint.hit("before_claim")

        def claim() -> tuple[float, list[tuple[object, ...]]]:
            since = monotonic()
            return since, self.session.claim(self.number, limit, self._config.lease, self._slow)

        try:
            since, rows = self.session.call(claim)
        except psycopg.Error as error:
            if error.sqlstate == NOT_ARMED and self._config.until == "stopped":
                self._wait_until_armed(error)
                return 0
            if error.sqlstate != UNKNOWN_RUNNER:
                raise
            self._log.warning("forgotten by the database, registering again", runner=self.number)
            self.number = self.session.call(self._register)
            return 0
        if self._complained is not None:
            self._complained = None
            self._log.info("the database is armed: sending")
        if not rows:
            return 0
        if failpoint.hit is not None:
            failpoint.hit("after_claim")
        lease = lease_tasks(rows, since, self._config.lease)
        self._book.add(lease)
        groups: dict[int, list[Task]] = {}
        for task in lease.tasks.values():
            groups.setdefault(task.endpoint_id, []).append(task)
        self._load_endpoints(groups)
        self._handed += len(rows)
        for endpoint_id, tasks in groups.items():
            self.inbox.append((self._endpoints[endpoint_id], tasks))
        self._deliver()
        return len(rows)

    def _wait_until_armed(self, error: psycopg.Error) -> None:
        """Say what to do, and again every minute; leave the database in peace for a while."""
        now = monotonic()
        if self._complained is None or now - self._complained >= COMPLAIN_AGAIN:
            self._complained = now
            diag = error.diag
            self._log.error(
                "nothing is sent: artery arm",
                why=diag.message_primary,
                detail=diag.message_detail,
                hint=diag.message_hint,
            )
        self.stopping.wait(LOOK_IF_ARMED)

    def _load_endpoints(self, groups: dict[int, list[Task]]) -> None:
        stale = [n for n, tasks in groups.items() if self._is_stale(n, tasks[0].endpoint_version)]
        if not stale:
            return
        rows = self.session.call(lambda: self.session.endpoints(stale))
        names = vault_names(rows)
        sealed = self.session.call(lambda: self.session.secrets(names)) if names else ()
        references = References(sealed, lambda: load_keyring(self._config.vault_key_file))
        for row in rows:
            endpoint = Endpoint(row, references=references)
            before = self._endpoints.get(endpoint.id)
            self._endpoints[endpoint.id] = endpoint
            why = endpoint.problem and str(endpoint.problem)
            if why and not (before and before.problem and str(before.problem) == why):
                self._log.error("endpoint unusable", endpoint=endpoint.name, why=why)

    def _is_stale(self, number: int, version: int) -> bool:
        known = self._endpoints.get(number)
        return (
            known is None
            or known.version < version
            # what was missing, a key file for one, may be there by now
            or (known.problem is not None and monotonic() - known.loaded > LOOK_AGAIN)
        )

    def _sleep(self) -> None:
        """Wait for work: for a notification, and polling ever more seldom.

        Polling covers the notification that was not sent because the producer's transaction saw
        this runner awake, and serves alone where there is no listening connection.
        """
        delay = POLL_FIRST
        while not self.stopping.is_set():
            busy = self._book.held()
            due = self.session.call(lambda: self.session.sleep(self.number))
            if not busy and self._is_done(due):
                self.stopping.set()
                return
            listening = self._listen()
            cap = POLL_CAP if listening is None else POLL_CAP_LISTENING
            if self._slow:
                cap = POLL_CAP_SLOW
            self.wake.wait(min(delay, cap, cap if due is None else max(due, 0.001)), listening)
            delay = POLL_FIRST if self._heed() else min(delay * 2, cap)
            self._look_at_slow()
            if not self.stopping.is_set() and self._claim(self._floor):
                return

    def _is_done(self, due: float | None) -> bool:
        if self._config.until == "stopped" or (self._config.until == "empty" and due is not None):
            return False
        # what was under way until a moment ago may have left something due
        return not self._claim(self._floor)

    def _listen(self) -> int | None:
        """Give the listening connection's descriptor, connecting again at most once a second."""
        if self._listener is None or self._listening is not None:
            return self._listening
        if monotonic() >= self._listen_again:
            self._listen_again = monotonic() + 1.0
            try:
                self._listening = self._listener.listen()
            except psycopg.Error as error:
                self._log.warning("cannot listen, polling alone", error=str(error).strip())
        return self._listening

    def _heed(self) -> bool:
        """Release what the sender gave back, pass holds on to it; gives whether to claim soon."""
        if self.returned:
            tasks = list(self.returned)
            ids, attempts = [t.id for t in tasks], [t.attempt for t in tasks]
            self.session.call(lambda: self.session.release(self.number, ids, attempts))
            for task in tasks:
                self.returned.popleft()
                self._book.settle(task)
        if self._listener is None or self._listen() is None:
            return False
        try:
            wake, held = self._listener.drain_notifications()
        except psycopg.Error:
            self._listening = None
            self._listener.close()
            return False
        for endpoint_id in held:
            self._hold(endpoint_id)
        return wake
