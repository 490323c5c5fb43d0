"""`--processes N`: one parent that keeps N runner processes alive and does nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from pg_artery import log

RESTART_FIRST, RESTART_CAP = 1.0, 30.0
STABLE_AFTER = 60.0  # seconds of life after which a death is no longer the start's fault

# Exit codes of a child that a restart would not change
FINAL = (0, 2, 3, 4)


class Supervisor:
    """Forks the processes, starts again those that die, passes signals on.

    Parameters: `count` of processes; `work(index, parent)` runs in the child and gives its exit
    code; `parent` is a descriptor that becomes readable when this process ends, however it ends.
    """

    def __init__(self, count: int, work: Callable[[int, int], int]) -> None:
        self._count = count
        self._work = work
        self._alive: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._delay = dict.fromkeys(range(count), RESTART_FIRST)
        self._read, self._write = os.pipe()
        self._stopping = False
        self._log = log.get(pid=os.getpid())

    def run(self) -> int:
        """Supervise until all processes have ended; gives the worst of their exit codes."""
        worst = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        for index in range(self._count):
            self._start(index)
        while self._alive:
            pid, status = os.wait()
            index = self._alive.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping or code in FINAL:
                worst = max(worst, code if code >= 0 else 128 - code)
                if code in FINAL[1:]:
                    self._pass_on(signal.SIGTERM)
                continue
            self._restart(index, code)
        return worst

    def _start(self, index: int) -> None:
        pid = os.fork()
        if pid == 0:
            os.close(self._write)
            code = 1
            try:
                code = self._work(index, self._read)
            finally:
                os._exit(code)
        self._alive[pid] = index
        self._started[index] = time.monotonic()

    def _restart(self, index: int, code: int) -> None:
        if time.monotonic() - self._started[index] > STABLE_AFTER:
            self._delay[index] = RESTART_FIRST
        self._log.error("process died", index=index, code=code, restart_in=self._delay[index])
        time.sleep(self._delay[index])
        self._delay[index] = min(self._delay[index] * 2, RESTART_CAP)
        if not self._stopping:
            self._start(index)

    def _pass_on(self, number: int, _frame: object = None) -> None:
        self._stopping = True
        for pid in list(self._alive):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
