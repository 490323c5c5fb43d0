"""One measured run: a fill committed to a warm worker, until the last task is recorded done."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from bench.child import cpu_seconds, tree
from bench.contenders.base import Contender
from bench.stack import Stack

# enough for the compiler of Node.js: after 2,000 the first measured run was a third slower
_WARM_UP = 10_000
_WARM_UP_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed. CPU is in microseconds a task, summed over each part's processes."""

    tasks: int
    done: int
    requests: int
    seconds: float
    cpu_us: dict[str, float]

    @property
    def rate(self) -> float:
        """Tasks recorded done a second."""
        return self.done / self.seconds

    def figures(self) -> dict[str, Any]:
        """Plain data for the report."""
        return {**asdict(self), "rate": round(self.rate, 1)}


def warm_up(contender: Contender, stack: Stack) -> Run:
    """Let the started worker compile on work that is told apart: what a cold process does."""
    cold = drain(contender, stack, _WARM_UP, _WARM_UP_LIMIT_S)
    contender.tidy()
    return cold


def drain(contender: Contender, stack: Stack, tasks: int, limit: float) -> Run:
    """Commit `tasks` and wait until all are recorded done, `limit` seconds at most.

    The tables are asked only once the receiver has seen every request: the question costs the
    database something, and would cost a slow contender more.
    """
    contender.fill(tasks)
    requests_before = stack.nginx.requests()
    cpu_before = _cpu(contender, stack)
    began = contender.commit()
    while stack.nginx.requests() - requests_before < tasks and time.monotonic() - began < limit:
        time.sleep(0.01)
    while not contender.finished() and time.monotonic() - began < limit:
        time.sleep(0.002)
    seconds = time.monotonic() - began
    cpu = _cpu(contender, stack)
    done = contender.progress()
    cpu_us = {part: round((cpu[part] - cpu_before[part]) * 1e6 / max(done, 1), 1) for part in cpu}
    return Run(
        tasks=tasks,
        done=done,
        requests=stack.nginx.requests() - requests_before,
        seconds=round(seconds, 4),
        cpu_us=cpu_us,
    )


def _cpu(contender: Contender, stack: Stack) -> dict[str, float]:
    workers = [pid for child in contender.children for pid in tree(child.process.pid)]
    return {
        "worker": cpu_seconds(workers),
        "postgres": cpu_seconds(tree(stack.postmaster)),
        "nginx": cpu_seconds(tree(stack.nginx.pid)),
    }
