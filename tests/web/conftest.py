"""The page as a process of its own, and a browser without a screen to look at it with."""

from __future__ import annotations

import http.cookiejar
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


@dataclass
class Viewer:
    """A browser without JavaScript: keeps cookies, follows no redirect, fills in forms."""

    url: str
    jar: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def get(self, path: str, **headers: str) -> Answer:
        return self._send(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, fields: dict[str, object], **headers: str) -> Answer:
        data = urllib.parse.urlencode(fields).encode()
        return self._send(urllib.request.Request(self.url + path, data, headers))

    def act(self, action: str, fields: dict[str, object], page: str = "/", **more: str) -> Answer:
        """Do what a form on `page` does; it takes the page's mark."""
        mark = re.search(r'name="mark" value="(\w+)"', self.get(page).text)
        assert mark, f"no form on {page}"
        return self.post(
            f"/actions/{action}",
            {"mark": mark[1], "back": page, "who": "Li Wei", "why": "tried by hand", **fields},
            **more,
        )

    def _send(self, request: urllib.request.Request) -> Answer:
        opener = urllib.request.build_opener(
            _Stay, urllib.request.HTTPCookieProcessor(self.jar), urllib.request.ProxyHandler({})
        )
        try:
            with opener.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode(), dict(error.headers))


@pytest.fixture
def monitor(dsn: str, tmp_path: Path) -> Iterator[Callable[..., Viewer]]:
    """Start `artery monitor` on a free port: monitor(*options, user=role)."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, user: str | None = None) -> Viewer:
        artery = Path(sys.executable).with_name("artery")
        full = psycopg.conninfo.make_conninfo(dsn, **({"user": user} if user else {}))
        command = [str(artery), "monitor", "--port", "0", "--dsn", full, *options]
        log = (tmp_path / f"monitor{len(started)}.log").open("w")
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        started.append(child)
        assert child.stdout
        line = child.stdout.readline().strip()
        assert line.startswith("http://"), Path(log.name).read_text()
        return Viewer(line.rstrip("/"))

    yield start
    for child in started:
        child.terminate()
        child.wait(10)
