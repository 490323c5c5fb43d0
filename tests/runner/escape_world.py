"""A world of its own in which every address answers: run by `unshare -rmn`, says what was dialled.

In its network every address of both kinds leads to listeners here, so that whatever is dialled
connects, and is seen; nothing leads out. Names are resolved by the system's resolver, which asks a
DNS server here.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pycurl
from escape_cases import REDIRECTS, Case, cases
from runner_harness import Sent, endpoint, task_rows

from pg_artery.egress import Guard
from pg_artery.work import lease_tasks

arrived: list[str] = []


def set_up() -> None:
    for words in (
        "link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo",
    ):  # fmt: skip
        subprocess.run(["ip", *words.split()], check=True)
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    Path(file.name).unlink()


class Names:
    """A DNS server: every name has the current case's addresses, which change query by query."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = []
        self.asked: Counter[int] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, peer = self._socket.recvfrom(2000)
            if not self.answers:
                continue
            end = query.index(b"\0", 12) + 5
            kind = int.from_bytes(query[end - 4 : end - 2], "big")
            version = {1: 4, 28: 6}.get(kind, 0)
            addresses = self.answers[min(self.asked[kind], len(self.answers) - 1)]
            self.asked[kind] += 1
            found = [
                ip.packed for a in addresses if (ip := ipaddress.ip_address(a)).version == version
            ]
            records = b"".join(
                b"\xc0\x0c"
                + kind.to_bytes(2, "big")
                + b"\0\1\0\0\0\0"
                + len(p).to_bytes(2, "big")
                + p
                for p in found
            )
            head = query[:2] + b"\x85\x80\0\1" + len(found).to_bytes(2, "big") + b"\0\0\0\0"
            self._socket.sendto(head + query[12:end] + records, peer)


def listen(family: int, everywhere: str) -> None:
    listener = socket.create_server((everywhere, 80), family=family, backlog=64)

    def serve() -> None:
        while True:
            peer, _ = listener.accept()
            arrived.append(peer.getsockname()[0])
            with contextlib.suppress(OSError, IndexError, ValueError), peer:  # no request came
                words = peer.recv(65536).split(b" ")[1].decode().split("/")
                peer.sendall(answer(words[2:]))

    threading.Thread(target=serve, daemon=True).start()


def answer(words: list[str]) -> bytes:
    status, more = "200 OK", ""
    if words[0] == "redirect":
        status, more = f"{words[1]} X", f"Location: {REDIRECTS[int(words[2])]}\r\n"
    if words[0] == "header":
        target = "http://169.254.169.254/"
        value = {"Refresh": f"0; url={target}", "Alt-Svc": 'http/1.1="169.254.169.254:80"; ma=99'}
        more = f"{words[1]}: {value.get(words[1], f'<{target}>; rel=preload')}\r\n"
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


def attempt(case: Case, names: Names) -> dict[str, Any]:
    """Make the calls of a case: two, so that what the first one learnt would be used."""
    names.answers, names.asked = case.answers, Counter()
    arrived.clear()
    if len(case.answers) > 1:  # as by a check before the dial
        socket.getaddrinfo("rebound.test", 80, type=socket.SOCK_STREAM)
    sent = Sent()
    for number in (1, 2):
        row = task_rows(2, case.path)[number - 1]
        lease = lease_tasks([row], time.monotonic(), 30)
        to = endpoint(case.url, egress_rules=case.rules, total_timeout_ms=2000)
        sent.transport.submit(to, lease.tasks.values())
        sent.pump(3, lambda number=number: number in sent.results)
    kinds = [result.get("error_kind") for result in sent.results.values()]
    statuses = [result.get("status_code") for result in sent.results.values()]
    sent.transport.close()
    return {"kinds": kinds, "statuses": statuses, "arrived": list(arrived)}


def unresolved(names: Names) -> dict[str, Any]:
    """Call a name that nobody resolves; other calls go on meanwhile."""
    names.answers = []
    sent = Sent()
    waits, goes_on = task_rows(1), task_rows(1, endpoint_id=2)
    for rows, to in (
        (waits, endpoint("http://mute.test/v1", connect_timeout_ms=500, total_timeout_ms=5000)),
        ([(2, *goes_on[0][1:])], endpoint("http://93.184.215.14/v1", id=2)),
    ):
        sent.transport.submit(to, lease_tasks(rows, time.monotonic(), 30).tasks.values())
    began = time.monotonic()
    sent.pump(10, lambda: 2 in sent.results)
    other = time.monotonic() - began
    sent.pump(10, lambda: 1 in sent.results)
    ended = time.monotonic() - began
    return {"kind": sent.results[1]["error_kind"], "seconds": ended, "other": other}


def unguarded() -> list[str]:
    """Dial metadata and loopback with no guard: this world would show an escape."""
    arrived.clear()
    for url in (
        "http://169.254.169.254/v1/ok",
        "http://127.1/v1/ok",
        "http://[fd00:ec2::254]/v1/ok",
    ):
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        curl.perform()
    return list(arrived)


if __name__ == "__main__":
    set_up()
    os.environ["http_proxy"] = os.environ["ALL_PROXY"] = "http://169.254.169.254:80"
    served = Names()
    listen(socket.AF_INET, "0.0.0.0")
    listen(socket.AF_INET6, "::")
    assert isinstance(endpoint("http://free.test/v1").guard, Guard)
    results = {case.name: attempt(case, served) for case in cases()}
    for variable in ("http_proxy", "ALL_PROXY"):
        del os.environ[variable]
    told = {"cases": results, "unguarded": unguarded(), "unresolved": unresolved(served)}
    json.dump(told, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # libcurl would wait for the resolver
