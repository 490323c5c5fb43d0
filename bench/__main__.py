"""`python -m bench`: run the workloads, write build/bench/<name>.json, print one table."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

import click
from rich.console import Console

from bench import report
from bench.environment import environment
from bench.stack import stack

WORKLOADS = (
    "deliver",
    "latency",
    "enqueue",
    "held_xmin",
    "backlog",
    "bom_import",
    "bom_cycle",
    "rollup",
    "where_used",
    "impact",
    "sensor",
    "backflush",
    "asn_search",
    "monitor",
)


def _names(_context: click.Context, _option: click.Parameter, value: str) -> list[str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(WORKLOADS)}")
    return names or list(WORKLOADS)


@click.command()
@click.option(
    "--only", default="", callback=_names, help="Workloads, separated by commas; all if not given."
)
@click.option("--rounds", default=5, show_default=True, help="Interleaved runs of each contender.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a target is missed.")
def main(only: list[str], rounds: int, *, strict: bool) -> None:
    """Measure pg_artery side by side with its peers, on servers of its own."""
    # as an exception, so that every server and process ends with its block
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(width=None if sys.stdout.isatty() else 120)
    results = []
    with stack() as servers:
        for name in only:
            load = os.getloadavg()[0]
            workload: Any = importlib.import_module(f"bench.workloads.{name}")
            console.print(f"[dim]{name} … (load {load:.1f})")
            result: report.Result = workload.measure(servers, rounds)
            results.append(result)
            console.print(f"[dim]wrote {report.write(result, environment(servers), servers.build)}")
    report.show(results, console)
    if strict and not all(result.held for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
