"""What production reports cost: posted from the buffer, against pgbench's TPC-B-like script; taken
into the buffer, against a bare insert of the same document.

A report takes three components and receives one finished item: four moves and four balances,
beside the report itself, its order and three order lines. 200 orders of 100 items share 300
components. The reports wait in the buffer, and each client posts batches of them as sweeps do: with
two lanes (artery_mes.report_lane), so that two sweeps lock other stock, and in strict order, which
is the default. TPC-B runs at scale 20, so that it does not wait for its own branches.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.report import Result
from bench.stack import Stack
from bench.stats import median
from pg_artery.migrate import migrate

TARGET = 2.0
ACCEPT_TARGET = 0.7
CLIENTS = 8
SECONDS = 10
SCALE = 20
INBOX = "artery_staging.mes_production_report"
LANES = {"post": "artery_mes.report_lane(jsonb)", "in order": None}

MASTER = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.warehouse (code, name, kind)
values ('FG', 'finished', 'finished'), ('LINE', 'line side', 'line_side');
insert into artery_erp.item (code, name, status, source, stock_unit)
select 'C' || n, 'c', 'released', 'buy', 'KG' from generate_series(0, 299) as n
union all select 'P' || n, 'p', 'released', 'make', 'EA' from generate_series(0, 99) as n;
insert into artery_erp.bom (item_code, revision, status, unit)
select 'P' || n, '1', 'released', 'EA' from generate_series(0, 99) as n;
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, scrap_rate)
select b.id, k * 10, 'C' || (substr(b.item_code, 2)::integer * 3 + k) % 300, 0.25 * k, 'KG', 0.05
from artery_erp.bom as b, generate_series(1, 3) as k;
insert into artery_erp.manufacturing_order
    (mo_no, item_code, quantity, unit, receive_warehouse, line_warehouse)
select 'MO-' || n, 'P' || n % 100, 100000000, 'EA', 'FG', 'LINE' from generate_series(0, 199) as n;
update artery_erp.manufacturing_order set status = 'released';
select artery_erp.post_stock('receipt', 'bench', 'stock', jsonb_agg(jsonb_build_object(
    'item', 'C' || n, 'warehouse', 'LINE', 'quantity', '100000000000')))
from generate_series(0, 299) as n;
create table bare_report (id bigint generated always as identity primary key, body jsonb not null);
"""
_BODY = """jsonb_build_object('source', 'bench', 'report_id', {id}, 'mo_no',
    'MO-' || floor(random() * 200)::integer, 'good', '2', 'scrap', '0',
    'reported_at', '2026-01-05T06:00:00Z')"""
FILL = f"""
insert into {INBOX} (source, message_id, body)
select 'bench', 'R' || n, {_BODY.format(id="'R' || n")}
from generate_series(%s::bigint, %s::bigint) as n
"""
DRAIN = f"select artery_staging.process_due('infinity', '{INBOX}')".encode()
_ID = "gen_random_uuid()"
SCRIPTS = {
    "bare": f"insert into bare_report (body) values ({_BODY.format(id=_ID)});\n",
    "accept": f"insert into {INBOX} (source, message_id, body)"
    f" values ('bench', gen_random_uuid(), {_BODY.format(id=_ID)});\n",
}


def measure(stack: Stack, rounds: int) -> Result:
    """In each round, one after the other, whichever first: TPC-B, both posts, the two inserts."""
    dsn, tpcb = stack.database("backflush"), stack.database("tpcb")
    migrate(dsn)
    rates: dict[str, list[float]] = {
        name: [] for name in ("tpcb", "post", "in order", "bare", "accept")
    }
    subprocess.run(["pgbench", "-i", "-q", "-s", str(SCALE), tpcb], capture_output=True, check=True)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(MASTER)
        last = 0
        for turn in range(rounds):
            for name in list(rates)[:: -1 if turn % 2 else 1]:
                if name == "tpcb":
                    rates[name].append(_pgbench(tpcb))
                elif name in LANES:
                    rate, last = _post(conn, dsn, last, LANES[name])
                    rates[name].append(rate)
                else:
                    script = stack.build / f"backflush-{name}.sql"
                    script.write_text(SCRIPTS[name])
                    rates[name].append(_pgbench(dsn, script))
                    conn.execute("truncate bare_report")
                    conn.execute(f"delete from {INBOX} where status = 'new'".encode())
        wrong = conn.execute("select count(*) from artery_erp.stock_reconciliation").fetchone()
        if wrong != (0,):
            raise RuntimeError(f"{wrong} balances are not the sum of their moves")
    medians = {name: median(found) for name, found in rates.items()}
    accepted = medians["accept"] / medians["bare"]
    rows = [
        ("reports of three components, posted in two lanes", f"{medians['post']:,.0f}/s", ""),
        (
            "posted in strict order",
            f"{medians['in order']:,.0f}/s",
            f"{medians['in order'] / medians['tpcb']:.2f} of TPC-B",
        ),
        ("pgbench, TPC-B-like", f"{medians['tpcb']:,.0f}/s", ""),
        ("reports taken into the buffer", f"{medians['accept']:,.0f}/s", f"{accepted:.2f} of bare"),
        ("bare insert of the same", f"{medians['bare']:,.0f}/s", ""),
    ]
    figures: dict[str, Any] = {
        "unit": "reports or transactions a second",
        "clients": CLIENTS,
        "seconds": SECONDS,
        "scale": SCALE,
        "accept_ratio": accepted,
        "accept_target": ACCEPT_TARGET,
        "median": medians,
        "runs": rates,
    }
    return Result("backflush", medians["post"] / medians["tpcb"], TARGET, rows, figures)


def _post(conn: psycopg.Connection, dsn: str, last: int, lane: str | None) -> tuple[float, int]:
    """Fill the buffer, let the clients drain it; gives the rate and the last number."""
    count = 40_000
    conn.execute("update artery_staging.inbox set lane = %s where table_name = %s", (lane, INBOX))
    conn.execute(FILL, (last + 1, last + count))
    conn.execute(f"vacuum analyze {INBOX}".encode())
    failed: list[BaseException] = []

    def client() -> None:
        try:
            with psycopg.connect(dsn, autocommit=True) as own:
                while own.execute(DRAIN).fetchone() != (0,):
                    pass
        except BaseException as error:
            failed.append(error)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    start = time.monotonic()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    seconds = time.monotonic() - start
    left = conn.execute(f"select count(*) from {INBOX} where status <> 'processed'".encode())
    if failed or left.fetchone() != (0,):
        raise RuntimeError(f"not all reports were posted: {failed}")
    return count / seconds, last + count


def _pgbench(dsn: str, script: Path | None = None) -> float:
    threads = str(min(CLIENTS, os.cpu_count() or 1))
    options = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", threads, "-T", str(SECONDS)]
    given = ["-f", str(script)] if script else []
    done = subprocess.run(
        ["pgbench", *options, *given, dsn], capture_output=True, text=True, check=False
    )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench failed:\n{done.stderr[-2000:]}")
    return float(found[1])
