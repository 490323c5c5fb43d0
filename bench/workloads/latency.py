"""Commit → request received, 100 transactions of one task a second, against graphile-worker."""

from __future__ import annotations

import signal
import sys
import time
from itertools import pairwise
from typing import Any

from bench.child import Child
from bench.contenders.artery import Artery
from bench.contenders.base import Contender
from bench.contenders.graphile import Graphile
from bench.installs import install_npm_peers
from bench.nginx import free_port
from bench.report import Result
from bench.settings import LATENCY, WHY
from bench.stack import Stack
from bench.stats import median, percentile

TARGET = 1.0
PER_SECOND = 100
SECONDS = 20
WARM_UP_S = 3
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
# a late arrival is waited for this long before it counts as lost
PATIENCE_S = 5.0


def measure(stack: Stack, rounds: int) -> Result:
    """The ratio is theirs over ours, the worse of p50 and p99."""
    install_npm_peers(stack.build)
    kinds: list[type[Contender]] = [Artery, Graphile]
    runs: dict[str, list[list[float]]] = {kind.name: [] for kind in kinds}
    for turn in range(rounds):
        for kind in kinds if turn % 2 == 0 else kinds[::-1]:
            runs[kind.name].append(one_run(kind, stack))
    summary = {
        name: {
            label: round(median([percentile(run, share) for run in done]), 3)
            for label, share in SHARES.items()
        }
        for name, done in runs.items()
    }
    ours, theirs = summary[Artery.name], summary[Graphile.name]
    rows = [
        (
            name,
            f"{found['p50']:.2f} / {found['p95']:.2f} / {found['p99']:.2f} ms",
            "p50 / p95 / p99",
        )
        for name, found in summary.items()
    ]
    figures: dict[str, Any] = {
        "unit": "milliseconds from just before COMMIT to the request's arrival",
        "median_of_runs": summary,
        "ratios": {label: round(theirs[label] / ours[label], 3) for label in SHARES},
        "settings": LATENCY,
        "why": WHY,
        "runs": {
            name: [[round(ms, 3) for ms in run] for run in done] for name, done in runs.items()
        },
    }
    ratio = min(theirs[label] / ours[label] for label in ("p50", "p99"))
    return Result("latency", ratio, TARGET, rows, figures)


def one_run(kind: type[Contender], stack: Stack) -> list[float]:
    """Latencies in milliseconds, in order of commit, the warm-up left out."""
    port = free_port()
    receiver = Child(
        [sys.executable, "-m", "bench.receiver", str(port)], log=stack.build / "receiver.log"
    )
    contender: Contender | None = None
    try:
        receiver.expect("ready")
        # a database a run: the receiver's port is part of what is set up in it
        database = stack.database(f"latency_{kind.name}_{port}")
        url = f"http://127.0.0.1:{port}/v1/hook"
        contender = kind(database, url, stack.build, LATENCY[kind.name])
        contender.start()
        committed = _produce(contender)
        time.sleep(1)
        deadline = time.monotonic() + PATIENCE_S
        while not contender.finished() and time.monotonic() < deadline:
            time.sleep(0.1)
        receiver.process.send_signal(signal.SIGTERM)
        arrivals = receiver.expect("arrivals")["at"]
    finally:
        if contender:
            contender.close()
        receiver.stop()
    measured = list(committed)[WARM_UP_S * PER_SECOND :]
    lost = [task for task in measured if str(task) not in arrivals]
    if lost:
        raise RuntimeError(f"{kind.name}: {len(lost)} of {len(measured)} requests never came")
    return [(arrivals[str(task)] - committed[task]) * 1000 for task in measured]


def _produce(contender: Contender) -> dict[int, float]:
    """Commit one task every 10 ms; task number → monotonic seconds just before its commit."""
    committed = {}
    tasks = range(1, (WARM_UP_S + SECONDS) * PER_SECOND + 1)
    next_at = time.monotonic()
    for task in tasks:
        next_at += 1 / PER_SECOND
        time.sleep(max(0.0, next_at - time.monotonic()))
        contender.producer.execute("begin")
        contender.insert_one(task)
        committed[task] = time.monotonic()
        contender.producer.execute("commit")
    gaps = [later - earlier for earlier, later in pairwise(committed.values())]
    if median(gaps) > 1.2 / PER_SECOND:
        raise RuntimeError("the producer could not keep its pace: the machine is too busy to tell")
    return committed
