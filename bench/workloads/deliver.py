"""20,000 tasks of 500 bytes, POSTed to nginx and recorded done: ours against three peers."""

from __future__ import annotations

from typing import Any

from bench.contenders.artery import Artery
from bench.contenders.base import Contender
from bench.contenders.graphile import Graphile
from bench.contenders.pgboss import PgBoss
from bench.contenders.procrastinate import Procrastinate
from bench.drain import Run, drain, warm_up
from bench.installs import install_npm_peers, install_python_peers
from bench.report import Result
from bench.settings import DELIVER, WHY
from bench.stack import Stack
from bench.stats import median

TARGET = 1.5
TASKS = 20_000
# a contender slower than this is counted by what it did in the time
LIMIT_S = 20.0
CONTENDERS: list[type[Contender]] = [Artery, Graphile, PgBoss, Procrastinate]


def measure(stack: Stack, rounds: int) -> Result:
    """Each round runs every contender once, alone, so that a noisy minute hits all of them."""
    install_npm_peers(stack.build)
    install_python_peers(stack.build)
    runs: dict[str, list[Run]] = {contender.name: [] for contender in CONTENDERS}
    cold: dict[str, list[Run]] = {contender.name: [] for contender in CONTENDERS}
    for turn in range(rounds):
        # who goes first changes, so that nobody always follows the same one
        for kind in CONTENDERS[turn % len(CONTENDERS) :] + CONTENDERS[: turn % len(CONTENDERS)]:
            first, run = one_run(kind, stack)
            if kind is Artery and run.done != TASKS:
                raise RuntimeError(
                    f"pg_artery recorded {run.done} of {TASKS} tasks with one log row each"
                )
            cold[kind.name].append(first)
            runs[kind.name].append(run)
    return _result(runs, cold)


def one_run(kind: type[Contender], stack: Stack) -> tuple[Run, Run]:
    """Start a contender, warm it up, measure one drain, stop it; the cold run and the warm."""
    contender = kind(
        stack.database(f"deliver_{kind.name}"), stack.url, stack.build, DELIVER[kind.name]
    )
    try:
        contender.start()
        cold = warm_up(contender, stack)
        run = drain(contender, stack, TASKS, LIMIT_S)
        # what a slow one left undone is not for its next round
        contender.stop()
        contender.tidy()
        return cold, run
    finally:
        contender.close()


def _result(runs: dict[str, list[Run]], cold: dict[str, list[Run]]) -> Result:
    rates = {name: median(_rates(done)) for name, done in runs.items()}
    best = max((name for name in rates if name != Artery.name), key=lambda name: rates[name])
    rows = [(name, f"{rate:,.0f}/s", _cpu(runs[name])) for name, rate in rates.items()]
    figures: dict[str, Any] = {
        "reference": best,
        "clock": "commit of the fill to a warm, idle worker → the last task recorded done",
        "cold": "the same for the first 10,000 tasks of a process that is connected but new",
        "median_rate": {name: round(rate, 1) for name, rate in rates.items()},
        "median_rate_cold": {name: round(median(_rates(found)), 1) for name, found in cold.items()},
        "settings": DELIVER,
        "why": WHY,
        "runs": {name: [run.figures() for run in done] for name, done in runs.items()},
        "cold_runs": {name: [run.figures() for run in found] for name, found in cold.items()},
    }
    return Result("deliver", rates[Artery.name] / rates[best], TARGET, rows, figures)


def _rates(runs: list[Run]) -> list[float]:
    return [run.rate for run in runs]


def _cpu(runs: list[Run]) -> str:
    parts = (f"{part} {median([run.cpu_us[part] for run in runs]):.0f}" for part in runs[0].cpu_us)
    return "CPU µs a task: " + ", ".join(parts)
