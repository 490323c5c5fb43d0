"""The monitor page before 5 million tasks and calls: what each view costs, when the overview is
painted, what the claims lose while people look; and verify() at a million.

Paint is measured in Chromium where there is one (Debian: chromium, chromium-driver), else the
figure is the page's answer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from bench.history import write_history
from bench.report import Result
from bench.stack import Stack
from bench.stats import median
from pg_artery import queries
from pg_artery.migrate import migrate
from pg_artery.monitor.pages import LOOKED_THROUGH
from pg_artery.monitor.store import Store

TARGET = 1.0
TASKS = 5_000_000
LAST_HOUR = 100_000
VERIFIED = 1_000_000
VIEWERS = 5
PAINT_LIMIT_MS = 300.0
VIEW_LIMIT_MS = 100.0
VERIFY_LIMIT_S = 5.0
CLAIM_SHARE = 0.9
CLAIM_S = 8.0
_INBOX = "artery_staging.plm_bom"
_PAINT = (
    "return performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)[0] || 0"
)


def measure(stack: Stack, rounds: int) -> Result:
    """The ratio is the worst of: limit over paint, over the slowest view, over verify; claims."""
    small, large = stack.database("monitor_small"), stack.database("monitor")
    for dsn, tasks, hour in ((small, VERIFIED, 20_000), (large, TASKS, LAST_HOUR)):
        migrate(dsn)
        write_history(dsn, tasks=tasks, last_hour=hour, messages=200_000)
    with psycopg.connect(small, autocommit=True) as connection:
        verify = [_seconds(connection, "select * from artery_monitor.verify()") for _ in range(3)]
    views = _views(large, rounds)
    slowest = max(views, key=lambda name: views[name])
    with _page(large) as url:
        paints = _paints(url, rounds)
        claims: dict[str, list[float]] = {"alone": [], "watched": []}
        for _ in range(rounds):
            claims["alone"].append(_claims(large))
            with _watched(url):
                claims["watched"].append(_claims(large))
    kept = median(claims["watched"]) / median(claims["alone"])
    rows = [
        ("overview, first paint", f"{median(paints):,.0f} ms", f"worst {max(paints):,.0f} ms"),
        ("slowest view behind it", f"{views[slowest]:,.0f} ms", slowest),
        *((name, f"{took:,.1f} ms", "") for name, took in views.items() if name != slowest),
        ("claims while watched", f"{kept:.0%}", f"{VIEWERS} viewers"),
        ("verify()", f"{min(verify):.1f} s", f"{VERIFIED:,} tasks and calls"),
    ]
    ratio = min(
        PAINT_LIMIT_MS / median(paints),
        VIEW_LIMIT_MS / views[slowest],
        VERIFY_LIMIT_S / min(verify),
        kept / CLAIM_SHARE,
    )
    figures: dict[str, Any] = {
        "unit": "milliseconds (paint, views), seconds (verify), claims a second",
        "tasks": TASKS,
        "calls_last_hour": LAST_HOUR,
        "paint": paints,
        "views": views,
        "claims": claims,
        "verify": verify,
    }
    return Result("monitor", ratio, TARGET, rows, figures)


def _views(dsn: str, rounds: int) -> dict[str, float]:
    """Median of each statement behind the page, as the page asks it; milliseconds."""
    store = Store(dsn)
    newest = store.rows(queries.FIND_TASKS, ("{}", 1))[0]["id"]

    def found(**wanted: Any) -> tuple[str, int]:
        return json.dumps(wanted), 100

    window = {"from_id": newest - LOOKED_THROUGH}
    statements: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "attention": (queries.ATTENTION, ()),
        "channels": (queries.OVERVIEW, ()),
        "trend": (queries.TREND, ()),
        "inboxes": (queries.INBOXES, ()),
        "reject reasons": (queries.REJECT_REASONS, ()),
        "newest tasks": (queries.FIND_TASKS, found(**window)),
        "tasks by an error that none has": (queries.FIND_TASKS, found(error="?", **window)),
        "tasks by a topic that none has": (queries.FIND_TASKS, found(topic="?", **window)),
        "dead tasks": (queries.FIND_TASKS, found(status="dead")),
        "dead by an error that none has": (queries.FIND_TASKS, found(status="dead", error="?")),
        "tasks of a document": (queries.FIND_TASKS, found(document_id="O-4711")),
        "how many are dead": (queries.COUNT_TASKS, (json.dumps({"status": "dead"}), 10_001)),
        "a task": (queries.TASK, (newest,)),
        "its story": (queries.TASK_TIMELINE, (newest,)),
        "its calls": (queries.TASK_CALLS, (newest,)),
        "endpoints": (queries.ENDPOINTS, ()),
        "an endpoint's last calls": (queries.LAST_CALLS, ("e3",)),
        "rejected messages": (queries.FIND_MESSAGES, (_INBOX, "rejected", 100)),
        "set-up": (queries.DOCTOR, ()),
        "runners": (queries.RUNNERS, ()),
        "sweeps": (queries.SWEEPS, ()),
        "sagas": (queries.SAGAS_NEWEST, (100,)),
        "whether anything changed": (queries.PULSE, ()),
    }
    took: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds * 4 + 1):
        for name, (statement, values) in statements.items():
            store.forget()
            begin = time.monotonic()
            store.rows(statement, values)
            took[name].append(1000 * (time.monotonic() - begin))
    store.close()
    return {name: median(times[1:]) for name, times in took.items()}


def _paints(url: str, rounds: int) -> list[float]:
    """First paint of the overview, each time read anew from the database; milliseconds."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        return [1000 * _fetched(url) for _ in range(rounds * 2)]
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "no-proxy-server"):
        options.add_argument(f"--{argument}")
    browser = webdriver.Chrome(options, Service(driver))
    try:
        paints = []
        for _ in range(rounds * 2 + 1):
            time.sleep(1.2)  # what was read within the second is given again
            browser.get(url)
            deadline = time.monotonic() + 10
            while not (paint := browser.execute_script(_PAINT)):
                if time.monotonic() > deadline:
                    raise RuntimeError("nothing was painted within 10 s")
                time.sleep(0.02)
            paints.append(float(paint))
    finally:
        browser.quit()
    return paints[1:]


def _fetched(url: str) -> float:
    time.sleep(1.2)
    begin = time.monotonic()
    with urllib.request.urlopen(url, timeout=30) as answer:
        answer.read()
    return time.monotonic() - begin


@contextmanager
def _page(dsn: str) -> Iterator[str]:
    command = [
        str(Path(sys.executable).with_name("artery")), "monitor", "--port", "0", "--dsn", dsn,
    ]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout
        yield child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait(10)


@contextmanager
def _watched(url: str) -> Iterator[None]:
    """Have the overview read by some viewers, as the page's script does: when they are told to."""
    stop = threading.Event()

    def look() -> None:
        not_before = 0.0
        with urllib.request.urlopen(f"{url}events", timeout=60) as events:
            while not stop.is_set():
                told = events.readline().startswith(b"event: changed")
                begin = time.monotonic()
                if not told or begin < not_before:
                    continue
                with suppress(OSError), urllib.request.urlopen(url, timeout=30) as answer:
                    answer.read()
                now = time.monotonic()
                not_before = now + max(0.5, 10 * (now - begin))

    viewers = [threading.Thread(target=look) for _ in range(VIEWERS)]
    for viewer in viewers:
        viewer.start()
    try:
        yield
    finally:
        stop.set()
        for viewer in viewers:
            viewer.join()


def _claims(dsn: str) -> float:
    """Tasks claimed a second, and given back."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(
            "select artery.register_runner('bench', 'here', 1, '0')"
        ).fetchone()
        runner = row[0] if row else 0
        claimed, begin = 0, time.monotonic()
        while time.monotonic() < begin + CLAIM_S:
            found = connection.execute(
                "select c.id, c.attempt from artery.claim_tasks(%s, 100) as c", (runner,)
            ).fetchall()
            claimed += len(found)
            ids, attempts = [r[0] for r in found], [r[1] for r in found]
            connection.execute("select artery.release_leases(%s, %s, %s)", (runner, ids, attempts))
        took = time.monotonic() - begin
        connection.execute("select artery.stop_runner(%s)", (runner,))
    return claimed / took


def _seconds(connection: psycopg.Connection, query: str) -> float:
    begin = time.monotonic()
    if found := connection.execute(query.encode()).fetchall():
        raise RuntimeError(f"the history that was written does not hold: {found[:3]}")
    return time.monotonic() - begin
