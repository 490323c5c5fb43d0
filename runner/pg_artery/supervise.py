"""`--processes N`: one parent that keeps N runner processes alive and does nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from pg_artery import log
from pg_artery.errors import EXIT_CONFLICT, EXIT_DATABASE, EXIT_USAGE

RESTART_FIRST, RESTART_CAP = 1.0, 30.0
STABLE_AFTER = 60.0  # seconds of life after which a death is no longer the start's fault

# Exit codes of a child that a restart would not change
FINAL = (0, EXIT_USAGE, EXIT_DATABASE, EXIT_CONFLICT)

STOPS = (signal.SIGTERM, signal.SIGINT)
HEARD = (*STOPS, signal.SIGCHLD)


class Supervisor:
    """Forks the processes, starts again those that die, passes signals on.

    Signals are blocked and waited for, so that none is missed: one that comes while a process is
    being forked or a death is being looked at waits its turn, in this process and in a new one,
    which unblocks them once it has handlers of its own.

    Parameters: `count` of processes; `work(index, parent)` runs in the child and gives its exit
    code; `parent` is a descriptor that becomes readable when this process ends, however it ends.
    """

    def __init__(self, count: int, work: Callable[[int, int], int]) -> None:
        self._count = count
        self._work = work
        self._alive: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._due: dict[int, float] = {}  # when those that died are started again
        self._delay = dict.fromkeys(range(count), RESTART_FIRST)
        self._read, self._write = os.pipe()
        self._stopping = False
        self._worst = 0
        self._log = log.get(pid=os.getpid())

    def run(self) -> int:
        """Supervise until all processes have ended; gives the worst of their exit codes."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        for index in range(self._count):
            self._start(index)
        while self._alive or self._due:
            heard = self._listen()
            if heard in STOPS:
                self._pass_on(heard)
            self._bury()
            for index in [n for n, due in self._due.items() if due <= time.monotonic()]:
                del self._due[index]
                self._start(index)
        return self._worst

    def _listen(self) -> int | None:
        if not self._due:
            return signal.sigwait(HEARD)
        wait = max(min(self._due.values()) - time.monotonic(), 0.0)
        heard = signal.sigtimedwait(HEARD, wait)
        return heard and heard.si_signo

    def _start(self, index: int) -> None:
        pid = os.fork()
        if pid == 0:
            os.close(self._write)
            # Ctrl-C in a terminal reaches the parent alone, which passes it on: twice is "at once"
            os.setpgid(0, 0)
            code = 1
            try:
                code = self._work(index, self._read)
            finally:
                os._exit(code)
        self._alive[pid] = index
        self._started[index] = time.monotonic()

    def _bury(self) -> None:
        """Take note of all that have ended."""
        while self._alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            index, code = self._alive.pop(pid), os.waitstatus_to_exitcode(status)
            # PostgreSQL may be away while a process that had lived is started again
            away = code == EXIT_DATABASE and self._delay[index] > RESTART_FIRST
            if self._stopping or (code in FINAL and not away):
                self._worst = max(self._worst, code if code >= 0 else 128 - code)
                if code in FINAL[1:]:
                    self._pass_on(signal.SIGTERM)
                continue
            self._put_off(index, code)

    def _put_off(self, index: int, code: int) -> None:
        """Have a process that died started again, later each time it dies soon."""
        if time.monotonic() - self._started[index] > STABLE_AFTER:
            self._delay[index] = RESTART_FIRST
        self._log.error("process died", index=index, code=code, restart_in=self._delay[index])
        self._due[index] = time.monotonic() + self._delay[index]
        self._delay[index] = min(self._delay[index] * 2, RESTART_CAP)

    def _pass_on(self, number: int) -> None:
        self._stopping = True
        self._due.clear()
        for pid in self._alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
