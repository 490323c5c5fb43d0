"""The leases that a runner holds, and their renewal."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic

from pg_artery.db import Session
from pg_artery.work import Lease, Task


class LeaseBook:
    """All claimed tasks that have not been settled; used by every thread of the runner."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._leases: list[Lease] = []

    def add(self, lease: Lease) -> None:
        """Enter the lease of a new claim."""
        with self._lock:
            self._leases = [*(held for held in self._leases if held.tasks), lease]

    @staticmethod
    def settle(task: Task) -> None:
        """Strike out a task that was written back, given back or lost."""
        task.lease.tasks.pop(task.id, None)

    def held(self) -> int:
        """Tasks that are not settled."""
        return sum(len(lease.tasks) for lease in self._leases)

    def renew(
        self, session: Session, runner: Callable[[], int], after: float, seconds: float
    ) -> int:
        """Renew each lease older than `after` seconds; gives how many tasks were found lost.

        A lost task belongs to another runner by now: unsent, it will not be sent; sent, its result
        is still reported, and the database logs it as stale.
        """
        lost = 0
        with self._lock:
            leases = self._leases = [lease for lease in self._leases if lease.tasks]
        for lease in leases:
            if monotonic() - lease.since < after:
                continue
            tasks = list(lease.tasks.values())
            if not tasks:
                continue
            ids = [task.id for task in tasks]
            attempts = [task.attempt for task in tasks]

            def renew(
                ids: list[int] = ids, attempts: list[int] = attempts
            ) -> tuple[float, list[int]]:
                since = monotonic()
                return since, session.renew(runner(), ids, attempts, seconds)

            since, renewed = session.call(renew)
            lease.renewed(since, seconds)
            missing = set(ids).difference(renewed)
            for task in tasks:
                # one reported meanwhile is not lost, only done
                if task.id in missing and task.id in lease.tasks:
                    task.lost = True
                    lost += 1
        return lost
