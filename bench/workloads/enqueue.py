"""What a task costs a business transaction: pgbench with and without it.

As the design has it, the document's own trigger builds the payload and calls `enqueue_task`. A call
as a statement of its own is measured too: on two cores the round trip alone, a `select 1`, takes up
to 40 % of so small a transaction, which is told apart here.
"""

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

_SCHEMA = """
    create table if not exists {table} (
        id bigint generated always as identity primary key,
        item text not null, quantity integer not null, note text,
        created_at timestamptz not null default now()
    )
"""
_TRIGGER = """
    create or replace function order_to_outbox() returns trigger language plpgsql as $$
    begin
        perform artery.enqueue_task('bench.deliver', jsonb_build_object(
            'id', new.id::text, 'item', new.item, 'quantity', new.quantity,
            'pad', repeat('x', 440)), p_document_type => 'order', p_document_id => new.id::text);
        return null;
    end $$;
    create or replace trigger order_to_outbox after insert on bound_order
    for each row execute function order_to_outbox()
"""
_INSERT = """\
\\set quantity random(1, 1000)
begin;
insert into {table} (item, quantity, note) values ('A-4711', :quantity, repeat('x', 200));
"""
_CALL = """\
select artery.enqueue_task('bench.deliver', jsonb_build_object(
    'id', '1', 'item', 'A-4711', 'quantity', (:quantity)::integer, 'pad', repeat('x', 440)));
"""
SCRIPTS = {
    "without": _INSERT.format(table="plain_order") + "commit;\n",
    "with": _INSERT.format(table="bound_order") + "commit;\n",
    "called": _INSERT.format(table="plain_order") + _CALL + "commit;\n",
    "select_1": _INSERT.format(table="plain_order") + "select 1;\ncommit;\n",
}
REMARKS = {
    "without": "business insert alone",
    "with": "the table's trigger enqueues",
    "called": "a statement of its own enqueues",
    "select_1": "a statement of its own does nothing",
}


def measure(stack: Stack, rounds: int) -> Result:
    """Each round runs every script. No runner is up: the figure is the producer's cost alone."""
    dsn = stack.database("enqueue")
    artery = Artery(dsn, stack.url, stack.build, DELIVER[Artery.name])
    rates: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    try:
        for table in ("plain_order", "bound_order"):
            artery.producer.execute(_SCHEMA.format(table=table).encode())
        artery.producer.execute(_TRIGGER)
        for turn in range(rounds):
            for name in list(SCRIPTS)[:: -1 if turn % 2 else 1]:
                artery.tidy()
                artery.producer.execute("truncate plain_order, bound_order")
                script = stack.build / f"enqueue-{name}.sql"
                rates[name].append(_pgbench(dsn, script, SCRIPTS[name]))
    finally:
        artery.close()
    medians = {name: median(found) for name, found in rates.items()}
    rows = [(REMARKS[name], f"{rate:,.0f}/s", "") for name, rate in medians.items()]
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
