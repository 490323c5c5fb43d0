"""Delivery while a snapshot is held for a minute, so that no dead row can be cleaned up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from bench.contenders.artery import Artery
from bench.drain import Run, drain, warm_up
from bench.report import Result
from bench.settings import DELIVER
from bench.stack import Stack
from bench.stats import median

TARGET = 0.9
PHASE_S = 60.0
TASKS = 10_000
LIMIT_S = 60.0


def measure(stack: Stack, rounds: int) -> Result:
    """A round is a minute free and a minute held; every other of `rounds` is run.

    The last third of each minute is told apart, since the harm grows with the snapshot's age.
    """
    dsn = stack.database("held_xmin")
    phases: dict[str, list[list[Run]]] = {"free": [], "held": []}
    for turn in range(max(1, rounds // 2)):
        for name in ("free", "held") if turn % 2 == 0 else ("held", "free"):
            phases[name].append(_phase(stack, dsn, held=name == "held"))
    whole = {name: median([_rate(runs) for runs in found]) for name, found in phases.items()}
    late = {
        name: median([_rate(_last_third(runs)) for runs in found]) for name, found in phases.items()
    }
    rows = [
        (f"{name} snapshot", f"{whole[name]:,.0f}/s", f"last third {late[name]:,.0f}/s")
        for name in phases
    ]
    figures: dict[str, Any] = {
        "unit": "tasks recorded done a second, fills not counted",
        "phase_seconds": PHASE_S,
        "median": whole,
        "median_last_third": late,
        "ratio_last_third": round(late["held"] / late["free"], 4),
        "settings": DELIVER[Artery.name],
        "runs": {
            name: [[run.figures() for run in runs] for runs in found]
            for name, found in phases.items()
        },
    }
    return Result("held_xmin", whole["held"] / whole["free"], TARGET, rows, figures)


def _phase(stack: Stack, dsn: str, *, held: bool) -> list[Run]:
    artery = Artery(dsn, stack.url, stack.build, DELIVER[Artery.name])
    try:
        artery.start()
        warm_up(artery, stack)
        with _snapshot(dsn) if held else contextlib.nullcontext():
            ends = time.monotonic() + PHASE_S
            runs = []
            while time.monotonic() < ends:
                runs.append(drain(artery, stack, TASKS, LIMIT_S))
        return runs
    finally:
        artery.close()


@contextlib.contextmanager
def _snapshot(dsn: str) -> Iterator[None]:
    """Hold a snapshot, as a long report or pg_dump does."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("select count(*) from artery.integration_task")
        yield
        connection.rollback()


def _rate(runs: list[Run]) -> float:
    return sum(run.done for run in runs) / sum(run.seconds for run in runs)


def _last_third(runs: list[Run]) -> list[Run]:
    return runs[-max(1, len(runs) // 3) :]
