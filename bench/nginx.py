"""The receiver of the throughput workloads: an nginx of our own."""

from __future__ import annotations

import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.child import die_with_parent

_CONFIG = """\
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location /status {{ stub_status; }}
        location / {{ return 200 '{{"status":"accepted"}}'; }}
    }}
}}
"""


def free_port() -> int:
    """A loopback TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Nginx:
    """nginx with its own prefix, configuration and port; answers a POST with a small JSON."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True)
        config = self._home / "nginx.conf"
        config.write_text(_CONFIG.format(home=self._home, port=self.port))
        self._process = subprocess.Popen(
            [
                "nginx",
                "-p",
                str(self._home),
                "-c",
                str(config),
                "-e",
                str(self._home / "error.log"),
            ],
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                self.requests()
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.__exit__(None, None, None)
                    raise
                time.sleep(0.05)
            else:
                return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    @property
    def pid(self) -> int:
        """Process id of the master."""
        return self._process.pid

    def requests(self) -> int:
        """How many requests the server has answered, the questions of this kind not counted."""
        with urllib.request.urlopen(f"{self.origin}/status", timeout=5) as answer:
            text = answer.read().decode()
        self._asked = getattr(self, "_asked", 0) + 1
        counters = re.search(r"^ \d+ \d+ (\d+)", text, re.MULTILINE)
        assert counters
        return int(counters[1]) - self._asked
