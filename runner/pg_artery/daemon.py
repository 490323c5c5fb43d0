"""One runner process: its threads, its signals, its end.

    claimer   claims tasks, waits for work
    sender    libcurl: everything about HTTP
    store     writes files that are downloaded
    reporter  writes results back
    keeper    renews leases, says that the runner lives
    ticker    runs what is due on the clock, where pg_cron does not

SIGTERM or SIGINT drains: nothing more is claimed, what was not sent is given back, what is under
way is awaited and written back. A second signal ends the process at once; its leases then run out.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import FrameType

import orjson
import psycopg

from pg_artery import __version__, log
from pg_artery.claimer import NOT_ARMED, Claimer
from pg_artery.config import RunnerConfig
from pg_artery.db import Session, Stopped, conninfo, is_transient
from pg_artery.errors import NOT_INSTALLED
from pg_artery.leases import LeaseBook
from pg_artery.reporter import Reporter
from pg_artery.store import Store
from pg_artery.supervise import HEARD, STOPS
from pg_artery.transport import Transport
from pg_artery.wakeup import Wakeup
from pg_artery.work import Task

EXIT_DRAINED, EXIT_UNEXPECTED = 0, 1
# a function that is not there, or not in this form; a right that lacks; a copy that may not send
NOT_OURS = (*NOT_INSTALLED, "42501", NOT_ARMED)
HEARTBEAT_EVERY = 5.0
SUMMARY_EVERY = 10.0
SETTLING = 5.0  # seconds that a thread gets to end, or PostgreSQL to take a word


class Runner:
    """One process's worth of delivery; `run` blocks until the end and gives the exit code."""

    def __init__(self, config: RunnerConfig) -> None:
        self.config = config
        self.log = log.get(pid=os.getpid())
        self._stop = Wakeup()
        self._stopping = False
        self._draining = threading.Event()
        self._abandon = threading.Event()
        self._deadline = float("inf")
        self._failure: BaseException | None = None
        self._withdrawn: list[Task] = []
        self._holds: deque[tuple[int, float]] = deque()
        self._work = Wakeup()
        self._dsn = conninfo(config.dsn, config.application_name)
        self.book = LeaseBook()
        self.store = Store(self._session(), lambda: self.claimer.number, self._work)
        self.transport = Transport(
            config.concurrency,
            config.per_endpoint,
            config.margin,
            self._deliver,
            self.book.settle,
            self.store,
        )
        self._ticker = self._session(self._draining.is_set, self._draining.wait)
        self.claimer = Claimer(
            config,
            self._session(self._draining.is_set, self._draining.wait),
            self._listener(),
            self.book,
            self.transport,
            self._work.set,
            self._hold,
            self.log,
        )
        self.reporter = Reporter(
            self._session(),
            lambda: self.claimer.number,
            config.batch,
            lambda: self.transport.under_way > 0,
            self.book.settle,
            self._hold,
            self.log,
        )

    def _session(
        self,
        give_up: Callable[[], bool] | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> Session:
        return Session(
            self._dsn,
            give_up or self._abandon.is_set,
            pause or self._abandon.wait,
            self._note_retry,
        )

    def _listener(self) -> Session | None:
        if not self.config.listen:
            return None
        dsn = self.config.listen_dsn
        return Session(self._dsn if dsn is None else conninfo(dsn, self.config.application_name))

    def _note_retry(self, error: psycopg.Error, wait: float) -> None:
        self.log.warning(
            "PostgreSQL did not serve, trying again",
            error=str(error).strip(),
            sqlstate=error.sqlstate,
            wait=round(wait, 3),
        )

    # -- life -----------------------------------------------------------------------------------

    def run(self, parent: int | None = None) -> int:
        """Deliver until told to stop; gives the exit code.

        Parameters: `parent` a descriptor that becomes readable when the supervising process ends.
        Errors: psycopg.Error when the start fails, or, after draining, when the database has become
        another version's, or takes a right away.
        """
        try:
            self._heed_signals()
            self._start()
        except Stopped:
            self._cancel(self.claimer.session)
            self.log.info("stopped before it had begun")
            return EXIT_DRAINED
        threads = {
            name: self._thread(name, work)
            for name, work in (
                ("sender", self._send),
                ("store", self.store.run),
                ("reporter", self.reporter.run),
                ("keeper", self._keep),
                ("claimer", self._claim),
                *((("ticker", self._tick),) if self.config.tick_every is not None else ()),
            )
        }
        while not self._stopping:
            if self._stop.wait(3600, parent):
                self.stop()
        code = self._drain(threads)
        if isinstance(self._failure, psycopg.Error) and self._failure.sqlstate in NOT_OURS:
            raise self._failure
        return code

    def stop(self) -> None:
        """Begin to drain; safe in any thread."""
        self._stopping = True
        self._stop.set()

    def _heed_signals(self) -> None:
        self._stop.heed_signals()
        for number in STOPS:
            signal.signal(number, self._on_signal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)  # the supervisor blocks them

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            os._exit(128 + number)
        self.stop()
        if not self.claimer.number:  # there is nothing to drain yet, and PostgreSQL may be away
            raise Stopped

    def _start(self) -> None:
        deadline = monotonic() + self.config.connect_wait
        session = self.claimer.session

        def register() -> int:
            host = socket.gethostname()
            return session.register(self.config.name, host, os.getpid(), __version__)

        while True:
            try:
                self.claimer.register(register)
                break
            except psycopg.Error as error:
                if not is_transient(error) or monotonic() > deadline:
                    raise
                self._note_retry(error, 0.5)
                self._stop.wait(0.5)
        self.log = self.log.bind(runner=self.claimer.number)
        self.log.info("started", version=__version__, concurrency=self.config.concurrency)
        # No thread should wait 5 ms for the interpreter; what lives for ever need not be scanned.
        sys.setswitchinterval(0.0005)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except Stopped:
                pass
            except BaseException as error:
                self.log.exception("thread failed", thread=name)
                self._failure = error
                self.stop()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread

    def _drain(self, threads: dict[str, threading.Thread]) -> int:
        """End in good order; gives the exit code."""
        began = monotonic()
        self.log.info("draining", held=self.book.held(), under_way=self.transport.under_way)
        self._deadline = began + self.config.drain_timeout
        self._draining.set()
        self.claimer.stop()
        self._cancel(self._ticker)
        threads["claimer"].join(1.0)
        if threads["claimer"].is_alive():
            self._cancel(self.claimer.session)  # what was not claimed need not be given back
            threads["claimer"].join(max(self._deadline - monotonic(), 1.0))
        self._work.set()
        threads["sender"].join(max(self._deadline - monotonic(), 0.0) + SETTLING)
        self.store.close()
        self.reporter.finish()
        threads["reporter"].join(max(self._deadline - monotonic(), SETTLING))
        self._withdrawn += self.claimer.returned
        self._abandon.set()
        last = monotonic() + SETTLING
        for thread in threads.values():
            thread.join(max(last - monotonic(), 0.0))
        unsettled = self.book.held() - len(self._withdrawn)
        if not threads["sender"].is_alive():
            # libcurl waits for names that nobody resolves, half a minute; this process does not
            self._thread("closer", self.transport.close).join(1.0)
        self._thread("farewell", self._farewell).join(SETTLING)
        clean = self._failure is None and unsettled <= 0
        self.log.info(
            "stopped",
            reported=self.reporter.reported,
            released=len(self._withdrawn),
            unsettled=max(unsettled, 0),
            seconds=round(monotonic() - began, 3),
        )
        return EXIT_DRAINED if clean else EXIT_UNEXPECTED

    def _cancel(self, session: Session) -> None:
        with contextlib.suppress(psycopg.Error):
            session.cancel()

    def _farewell(self) -> None:
        """Give back what was not sent and sign off; if PostgreSQL is away, the leases run out."""
        session = Session(self._dsn)
        number = self.claimer.number
        try:
            if self._withdrawn:
                tasks = self._withdrawn
                session.release(number, [t.id for t in tasks], [t.attempt for t in tasks])
            session.stop(number)
        except psycopg.Error as error:
            self.log.warning("could not sign off", error=str(error).strip())
        finally:
            session.close()

    # -- threads --------------------------------------------------------------------------------

    def _deliver(self, task: Task, result: dict[str, object]) -> None:
        self.reporter.put(task, result)

    def _hold(self, endpoint_id: int) -> None:
        self._holds.append((endpoint_id, monotonic()))
        self._work.set()

    def _claim(self) -> None:
        self.claimer.run()
        if not self._draining.is_set():  # done, by the settings
            self.stop()

    def _send(self) -> None:
        transport, inbox, config = self.transport, self.claimer.inbox, self.config
        while True:
            while self._holds:
                self.claimer.give_back(transport.hold(*self._holds.popleft()))
            while inbox:
                self.claimer.give_back(transport.submit(*inbox.popleft()))
            draining = self._draining.is_set()
            if draining:
                self._withdrawn += transport.withdraw()
                if not transport.under_way and not inbox and self.claimer.ended.is_set():
                    break
                if monotonic() > self._deadline:
                    transport.interrupt()
                    break
            room = (
                self.reporter.pending < 4 * config.batch
                and self.reporter.pending_bytes < config.unreported_bytes
            )
            idle = 0.05 if draining or not room else 1.0
            transport.pump(self._work, idle, sending=room and not draining)
            self.claimer.note_room()

    def _keep(self) -> None:
        session, config = self._session(), self.config
        said = summed = monotonic()
        before = 0
        while not self._abandon.wait(min(1.0, config.lease / 10)):
            lost = self.book.renew(
                session, lambda: self.claimer.number, config.renew_after, config.lease
            )
            if lost:
                self.log.warning("leases lost", tasks=lost)
            now = monotonic()
            if now - said >= HEARTBEAT_EVERY:
                said = now
                stats = orjson.dumps(self._stats()).decode()
                session.call(lambda stats=stats: session.heartbeat(self.claimer.number, stats))  # type: ignore[misc]
                if session.call(session.cancel_overdue):
                    self.log.error("sweep step cancelled: it ignored its time limit")
                if self.reporter.cancel_overdue():
                    self.log.error("report cancelled: a reply handler does not end")
            if now - summed >= SUMMARY_EVERY:
                if self.reporter.reported > before:
                    rate = (self.reporter.reported - before) / (now - summed)
                    self.log.info("delivering", per_second=round(rate, 1), **self._stats())
                summed, before = now, self.reporter.reported
        session.close()

    def _stats(self) -> dict[str, int]:
        return {
            "reported": self.reporter.reported,
            "failed": self.reporter.failed,
            "stale": self.reporter.stale,
            "under_way": self.transport.under_way,
            "held": self.book.held(),
        }

    def _tick(self) -> None:
        every = self.config.tick_every or 1.0
        session = self._ticker
        complained = 0.0
        while not self._draining.wait(every):
            try:
                session.call(session.tick)
            except psycopg.Error as error:
                if self._draining.is_set():
                    break
                if monotonic() - complained > 60:
                    complained = monotonic()
                    self.log.warning("tick failed", error=str(error).strip())
        session.close()
