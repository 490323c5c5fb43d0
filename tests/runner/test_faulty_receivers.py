"""Whatever a network or a receiver does: in time, in bounds, by its right name."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import FaultProxy, full_backlog

from receiver import Receiver

LIMITS = {
    "connect_timeout": "300 ms",
    "tls_timeout": "400 ms",
    "first_byte_timeout": "600 ms",
    "total_timeout": "1500 ms",
    "max_attempts": 1,
    "breaker_min_calls": 1_000_000,
}
AT_ONCE = 16  # calls of each fault, side by side
MEMORY = 32 * 1024  # KiB


@pytest.fixture
def proxy(receiver: Receiver) -> Iterator[FaultProxy]:
    running = FaultProxy(receiver.port)
    yield running
    running.close()


class Faulty:
    """A runner of its own, and endpoints that lead into trouble."""

    def __init__(self, outbox: Any, pid: int) -> None:
        self.outbox, self.pid = outbox, pid
        self._numbers = itertools.count(1)

    def memory(self, name: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0])

    def calls(self, url: str, **columns: Any) -> tuple[list[tuple[Any, ...]], int]:
        """Make calls; gives kind, status, error and seconds of each, and the KiB grown."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak counts from here on
        before = self.memory("VmRSS")
        topic = f"bad{next(self._numbers)}"
        self.outbox.add(topic, url, **(LIMITS | columns))
        self.outbox.enqueue(AT_ONCE, topic)
        found: list[tuple[Any, ...]] = []
        deadline = time.monotonic() + 15
        while len(found) < AT_ONCE and time.monotonic() < deadline:
            time.sleep(0.05)
            found = self.outbox.conn.execute(
                "select t.error ->> 'kind', l.status_code, l.error, l.total_ms / 1000 "
                "from artery.cloud_log as l join artery.integration_task as t on t.id = l.task_id "
                "where l.topic = %s",
                (topic,),
            ).fetchall()
        return found, self.memory("VmHWM") - before

    def problems(self, case: Case, url: str, **columns: Any) -> list[str]:
        """Make the calls of a case; gives what was not as it should be."""
        calls, grown = self.calls(url, **columns)
        name, kind, status, said, least, most = case
        slowest = max((call[3] for call in calls), default=0.0)
        print(f"{name:16} {len(calls)} calls, {slowest:.3f} s at most, {grown} KiB")
        wrong = [
            f"{name}: {call}"
            for call in calls
            if call[:2] != (kind, status)
            or (said and said not in (call[2] or ""))
            or not least <= call[3] <= most
        ]
        if len(calls) < AT_ONCE:
            wrong.append(f"{name}: {len(calls)} of {AT_ONCE} ended")
        if grown > MEMORY:
            wrong.append(f"{name}: memory grew by {grown} KiB")
        return wrong


@pytest.fixture
def faulty(outbox, dsn, artery_run) -> Faulty:
    running = artery_run(dsn, "--concurrency", "32").wait_started()
    outbox.enqueue(64)  # what a runner needs, it has by now
    outbox.wait({"sent": 64})
    return Faulty(outbox, running.process.pid)


# fault, error kind, status, what the error says, from when to when it may end in seconds
Case = tuple[str, str | None, int | None, str, float, float]
CASES: list[Case] = [
    ("none", None, 200, "", 0, 0.8),
    ("delay", "timeout", None, "no answer within 600 ms of sending", 0.55, 1.6),
    ("black_hole", "timeout", None, "no answer within 600 ms of sending", 0.55, 1.6),
    ("reset", "reset", None, "", 0, 0.8),
    ("reset_midway", "reset", 200, "", 0, 0.8),
    ("close", "reset", None, "", 0, 0.8),
    ("truncate", "reset", 200, "", 0, 0.8),
    ("drip", "timeout", 200, "", 1.45, 2.5),
    ("flood_headers", "too_large", 200, "", 0, 1.5),
    ("flood_line", "too_large", 200, "", 0, 1.5),
    ("flood_interim", "too_large", 103, "", 0, 1.5),
    ("flood_body", "too_large", 200, "", 0, 2.5),
    ("flood_extension", "timeout", 200, "", 1.45, 2.5),
    ("flood_trailers", "too_large", 200, "", 0, 1.5),
    ("bomb_gzip", "too_large", 200, "", 0, 1.5),
    ("bomb_nested", "too_large", 200, "", 0, 1.5),
    ("claim", "too_large", 200, "", 0, 0.8),
]


@pytest.mark.one_server
def test_what_a_receiver_can_do(faulty, proxy):
    """One runner through all of it, so that nothing piles up either."""
    wrong = []
    for case in CASES:
        proxy.fault = case[0]
        wrong += faulty.problems(case, f"http://127.0.0.1:{proxy.port}/v1")
    assert not wrong, "\n".join(sorted(set(wrong)))


@pytest.mark.one_server
def test_what_comes_before_the_request(faulty, proxy):
    """Nothing was sent: the receiver cannot have acted, whatever the deadline."""
    proxy.fault = "black_hole"
    silent: Case = ("tls", "tls", None, "no TLS session within 400 ms", 0.35, 1.4)
    wrong = faulty.problems(silent, f"https://127.0.0.1:{proxy.port}/v1")
    with full_backlog() as port:
        mute: Case = ("connect", "connect", None, "no connection within 300 ms", 0.25, 1.3)
        wrong += faulty.problems(mute, f"http://127.0.0.1:{port}/v1")
    assert not wrong, "\n".join(sorted(set(wrong)))


@pytest.mark.parametrize("total", [250, 1000])
def test_whoever_keeps_the_deadline_nothing_sent_is_not_unknown(call, receiver, total):
    """Total deadlines are libcurl's own, and libcurl says little of how far a call had come."""
    limits = {"connect_timeout_ms": 400, "tls_timeout_ms": 400, "total_timeout_ms": total}
    with full_backlog() as port:
        assert call(base_url=f"http://127.0.0.1:{port}/v1", **limits)["error_kind"] == "connect"
    proxy = FaultProxy(receiver.port)
    proxy.fault = "black_hole"
    assert call(base_url=f"https://127.0.0.1:{proxy.port}/v1", **limits)["error_kind"] == "tls"
    result = call(base_url=f"http://127.0.0.1:{proxy.port}/v1", **limits)
    assert result["error_kind"] == "timeout"
    assert "first_byte_ms" not in result
    proxy.close()
