"""What `artery.enqueue_task` costs a business transaction: pgbench with and without it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from bench.contenders.artery import Artery
from bench.report import Result
from bench.settings import DELIVER
from bench.stack import Stack
from bench.stats import median

TARGET = 0.6
CLIENTS = 8
SECONDS = 10

_BUSINESS = """\
\\set quantity random(1, 1000)
begin;
insert into shop_order (item, quantity, note) values ('A-4711', :quantity, repeat('x', 200));
"""
_TASK = """\
select artery.enqueue_task('bench.deliver', jsonb_build_object(
    'id', lpad((:quantity)::text, 5, '0'), 'pad', repeat('x', 477)));
"""
SCRIPTS = {
    "without": f"{_BUSINESS}commit;\n",
    "with": f"{_BUSINESS}{_TASK}commit;\n",
}


def measure(stack: Stack, rounds: int) -> Result:
    """Each round runs both scripts. No runner is up: the figure is the producer's cost alone."""
    dsn = stack.database("enqueue")
    artery = Artery(dsn, stack.url, stack.build, DELIVER[Artery.name])
    rates: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    try:
        artery.producer.execute(
            """
            create table if not exists shop_order (
                id bigint generated always as identity primary key,
                item text not null, quantity integer not null, note text,
                created_at timestamptz not null default now()
            )
            """
        )
        for turn in range(rounds):
            for name in sorted(SCRIPTS, reverse=turn % 2 == 1):
                artery.tidy()
                artery.producer.execute("truncate shop_order")
                rates[name].append(
                    _pgbench(dsn, stack.build / f"enqueue-{name}.sql", SCRIPTS[name])
                )
    finally:
        artery.close()
    medians = {name: median(found) for name, found in rates.items()}
    rows = [
        (f"{name} a task", f"{rate:,.0f}/s", f"{CLIENTS} clients") for name, rate in medians.items()
    ]
    figures: dict[str, Any] = {
        "unit": "transactions a second",
        "clients": CLIENTS,
        "seconds": SECONDS,
        "scripts": SCRIPTS,
        "median": medians,
        "runs": rates,
    }
    return Result("enqueue", medians["with"] / medians["without"], TARGET, rows, figures)


def _pgbench(dsn: str, file: Path, script: str) -> float:
    file.write_text(script)
    threads = str(min(CLIENTS, os.cpu_count() or 1))
    options = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", threads, "-T", str(SECONDS)]
    done = subprocess.run(
        ["pgbench", *options, "-f", str(file), dsn],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench failed:\n{done.stderr[-2000:]}")
    return float(found[1])
