"""An HTTP server on raw sockets that answers well, or in every bad way a test asks for by path."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)
    wall: float = field(default_factory=time.time)


def response(body: bytes = b'{"ok": true}', status: int = 200, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@functools.cache
def bomb(size: int) -> bytes:
    """Give `size` zeros, packed, without ever holding them."""
    packer = zlib.compressobj(9, wbits=31)
    chunk = b"\0" * 10_000
    packed = b"".join(packer.compress(chunk) for _ in range(size // 10_000))
    return packed + packer.flush()


class Receiver:
    """Listens on loopback; `requests` are those read in full, `slow` seconds before each answer."""

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self._socket.getsockname()[1]
        self.requests: list[Request] = []
        self.slow = 0.0
        self.status = 200
        self.token = "a-token"  # what /token gives
        self.headers: tuple[str, ...] = ()
        self.accepts: set[str] | None = None  # values of Authorization; None = any
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def ids(self) -> Counter[str]:
        """How often each Request-ID arrived."""
        return Counter(r.headers["x-request-id"] for r in list(self.requests))

    def wait_for(self, count: int, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while len(self.requests) < count:
            assert time.monotonic() < deadline, f"{len(self.requests)} of {count} arrived"
            time.sleep(0.005)

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), peer, peer.makefile("rb") as stream:
            while not self._closing:
                first = stream.readline().decode().split()
                if len(first) < 2:
                    return
                headers = {}
                while line := stream.readline().strip().decode():
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                self.requests.append(Request(first[0], first[1], headers, body))
                if self.accepts is not None and headers.get("authorization") not in self.accepts:
                    peer.sendall(response(b'{"e": "unauthorized"}', 401))
                elif first[0] == "CONNECT":
                    said = f'Proxy-Authenticate: Basic realm="{headers.get("proxy-authorization")}"'
                    peer.sendall(response(str(headers).encode(), 407, said))
                elif not self._answer(peer, first[1].removeprefix("/v1/").split("/"), headers):
                    return

    def _answer(self, peer: socket.socket, words: list[str], headers: dict[str, str]) -> bool:
        """Answer as the path says; gives whether the connection stays open."""
        if self.slow:
            time.sleep(self.slow)
        send = peer.sendall
        match words:
            case ["status", code, *extra]:
                send(response(b'{"e": 1}', int(code), *(e.replace("_", ": ", 1) for e in extra)))
            case ["redirect"]:
                send(response(b"", 302, f"Location: {self.url}/ok?token=abc"))
            case ["echo", code]:
                said = json.dumps(headers).encode()
                secret = headers.get("authorization") or headers.get("x-api-key", "")
                send(response(said, int(code), f"ETag: {secret}", f"X-Request-ID: {secret}"))
            case ["token"]:
                answer = {"access_token": self.token, "token_type": "Bearer", "expires_in": 600}
                send(response(json.dumps(answer).encode(), 200, "Cache-Control: no-store"))
            case ["tokens", code]:  # none, but all that it was asked with
                said = f"{headers.get('authorization')} {self.requests[-1].body.decode()}"
                answer = {"error": "invalid_client", "error_description": said, "token_type": said}
                send(response(json.dumps(answer).encode(), int(code), f"ETag: {said[:100]}"))
            case ["silent"]:
                time.sleep(30)
            case ["close"]:
                return False
            case ["reset"]:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return False
            case ["truncated"]:
                send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
                return False
            case ["drip"]:
                send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(1000):
                    send(b"x")
                    time.sleep(0.1)
            case ["large", size]:
                send(response(b"x" * int(size)))
            case ["endless"]:
                send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            case ["gzip", size]:
                send(response(bomb(int(size)), 200, "Content-Encoding: gzip"))
            case ["gzip-broken"]:
                send(response(b"this is not gzip", 200, "Content-Encoding: gzip"))
            case ["headers", count]:
                send(b"HTTP/1.1 200 OK\r\n")
                for n in range(int(count)):
                    send(b"X-Bomb-%d: %s\r\n" % (n, b"y" * 1000))
                send(b"Content-Length: 0\r\n\r\n")
            case ["garbage"]:
                send(b"SSH-2.0-OpenSSH_9.2\r\n")
                return False
            case ["raw"]:
                send(response(b"a\x00b\xff\xfec", 200, "Content-Type: text/plain"))
            case ["latin"]:
                send(
                    response(
                        "Müller".encode("latin-1"), 200, "Content-Type: t/p; charset=ISO-8859-1"
                    )
                )
            case ["interim"]:
                send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nETag: early\r\n\r\n" + response())
            case _:
                kind = "Content-Type: application/json"
                send(response(b'{"ok": true}', self.status, kind, *self.headers))
        return True
