"""Real peers: an OpenID provider from npm, nginx with client certificates, a forward proxy.

npm's come into build/test-peers, once for the same package.json; where a machine lacks the program
the test is skipped and says so.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from npm_peers import BUILD, HERE, installed


def node_program(name: str) -> list[str]:
    """The command that runs one of tests/peers on Node.js, its packages installed."""
    node = installed()
    shutil.copy(HERE / name, BUILD)
    return [node, str(BUILD / name)]


class OpenIdProvider:
    """tests/peers/oidc.mjs as a process; `state` reads and sets what it counts and does."""

    def __init__(self, clients: list[dict[str, Any]], keys: list[dict[str, Any]]) -> None:
        common = {"redirect_uris": [], "response_types": []}
        given = {"clients": [common | client for client in clients], "keys": {"keys": keys}}
        command = [*node_program("oidc.mjs"), json.dumps(given)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.issuer = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.token_url = f"{self.issuer}/token"
        self.base_url = f"{self.issuer}/api/v1"

    def state(self, **changes: Any) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.issuer}/admin", json.dumps(changes).encode()) as answer:
            return json.load(answer)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def serving(command: list[str], port: int) -> Iterator[subprocess.Popen]:
    """A program while it listens on `port`."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 10
        while True:
            assert process.poll() is None, process.stdout.read()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline, f"{command[0]} does not listen"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


NGINX = """
daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f;
    uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {home}/server.pem; ssl_certificate_key {home}/server.key;
        ssl_client_certificate {home}/clients.pem; ssl_verify_client on;
        location /v1/ {{
            add_header X-Request-ID $ssl_client_s_dn always;
            return 200 '{{"serial": "$ssl_client_serial"}}';
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx_with_client_certificates(
    home: Path, server: trustme.CA, clients: trustme.CA
) -> Iterator[int]:
    """nginx on loopback whose certificate `server` issued, for clients of `clients` alone."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        pytest.skip("nginx is missing (Debian: nginx-light)")
    issued, port = server.issue_cert("127.0.0.1"), free_port()
    (home / "server.pem").write_bytes(b"".join(p.bytes() for p in issued.cert_chain_pems))
    (home / "server.key").write_bytes(issued.private_key_pem.bytes())
    (home / "clients.pem").write_bytes(clients.cert_pem.bytes())
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port))
    with serving([nginx, "-c", str(home / "nginx.conf"), "-e", f"{home}/error.log"], port):
        yield port


@contextlib.contextmanager
def tinyproxy(home: Path, *lines: str) -> Iterator[int]:
    """tinyproxy on loopback; `lines` are added to its configuration."""
    program = shutil.which("tinyproxy")
    if program is None:
        pytest.skip("tinyproxy is missing (Debian: tinyproxy-bin)")
    port = free_port()
    settings = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", f'LogFile "{home}/log"']
    (home / "tinyproxy.conf").write_text("\n".join([*settings, "LogLevel Connect", *lines, ""]))
    with serving([program, "-d", "-c", str(home / "tinyproxy.conf")], port):
        yield port
