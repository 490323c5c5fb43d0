"""20,000 tasks of 500 bytes, POSTed to nginx and recorded done: ours against three peers.

Ours twice: the ratio is of the one with limiter, bound in flight and egress list switched on.
"""

from __future__ import annotations

from typing import Any

from bench.contenders.artery import Artery, Policed
from bench.contenders.base import Contender
from bench.contenders.graphile import Graphile
from bench.contenders.pgboss import PgBoss
from bench.contenders.procrastinate import Procrastinate
from bench.drain import Run, drain
from bench.installs import install_npm_peers, install_python_peers
from bench.report import Result
from bench.settings import DELIVER, WHY
from bench.stack import Stack
from bench.stats import median

TARGET = 1.5
TASKS = 20_000
# a contender slower than this is counted by what it did in the time
LIMIT_S = 20.0
CONTENDERS: list[type[Contender]] = [Policed, Artery, Graphile, PgBoss, Procrastinate]
OURS = {Artery.name, Policed.name}


def measure(stack: Stack, rounds: int) -> Result:
    """Each round runs every contender once, alone, so that a noisy minute hits all of them."""
    install_npm_peers(stack.build)
    install_python_peers(stack.build)
    runs: dict[str, list[Run]] = {contender.name: [] for contender in CONTENDERS}
    warm: dict[str, list[Run]] = {contender.name: [] for contender in CONTENDERS}
    for turn in range(rounds):
        # who goes first changes, so that nobody always follows the same one
        for kind in CONTENDERS[turn % len(CONTENDERS) :] + CONTENDERS[: turn % len(CONTENDERS)]:
            first, run = one_run(kind, stack)
            if kind.name in OURS and (first.done, run.done) != (TASKS, TASKS):
                raise RuntimeError(
                    f"recorded {first.done} and {run.done} of {TASKS} tasks with one log row each"
                )
            runs[kind.name].append(first)
            warm[kind.name].append(run)
    return _result(runs, warm)


def one_run(kind: type[Contender], stack: Stack) -> tuple[Run, Run]:
    """Start a contender and measure two drains: as it came up, and once it is warm."""
    contender = kind(
        stack.database(f"deliver_{kind.name}"), stack.url, stack.build, DELIVER[kind.name]
    )
    try:
        contender.start()
        first = drain(contender, stack, TASKS, LIMIT_S)
        contender.tidy()
        second = drain(contender, stack, TASKS, LIMIT_S)
        # what a slow one left undone is not for its next round
        contender.stop()
        contender.tidy()
        return first, second
    finally:
        contender.close()


def _result(runs: dict[str, list[Run]], warm: dict[str, list[Run]]) -> Result:
    rates, warm_rates = _medians(runs), _medians(warm)
    best, best_warm = _best_peer(rates), _best_peer(warm_rates)
    rows = [
        (name, f"{rate:,.0f}/s, warm {warm_rates[name]:,.0f}/s", _cpu(warm[name]))
        for name, rate in rates.items()
    ]
    warm_ratio = warm_rates[Policed.name] / warm_rates[best_warm]
    rows.append(("ratio, warm", f"{warm_ratio:.2f}", f"against {best_warm}"))
    policy_ratio = warm_rates[Policed.name] / warm_rates[Artery.name]
    rows.append(("all policy, warm", f"{policy_ratio:.2f}", "of the rate without limits"))
    figures: dict[str, Any] = {
        "reference": best,
        "clock": "commit of the fill to a started, connected worker → the last task recorded done",
        "warm": "the same for the next 20,000 tasks of the same process",
        "ratio_warm": round(warm_ratio, 3),
        "reference_warm": best_warm,
        "ratio_policy": round(policy_ratio, 3),
        "median_rate": rates,
        "median_rate_warm": warm_rates,
        "settings": DELIVER,
        "why": WHY,
        "runs": {name: [run.figures() for run in done] for name, done in runs.items()},
        "warm_runs": {name: [run.figures() for run in done] for name, done in warm.items()},
    }
    return Result("deliver", rates[Policed.name] / rates[best], TARGET, rows, figures)


def _medians(runs: dict[str, list[Run]]) -> dict[str, float]:
    return {name: round(median([run.rate for run in done]), 1) for name, done in runs.items()}


def _best_peer(rates: dict[str, float]) -> str:
    return max((name for name in rates if name not in OURS), key=lambda name: rates[name])


def _cpu(runs: list[Run]) -> str:
    parts = (f"{part} {median([run.cpu_us[part] for run in runs]):.0f}" for part in runs[0].cpu_us)
    return "CPU µs a task: " + ", ".join(parts)
