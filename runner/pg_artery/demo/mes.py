"""A demo MES: a process of its own, over real HTTP, that behaves as a good receiver does.

A Request-ID that it has seen gets the first answer and has no second effect; with another body it
is refused (422). Of an order only versions newer than the one it has are taken. What it knows is
rebuilt from its record at each start, so that stopping it forgets nothing.

    python -m pg_artery.demo.mes PORT RECORD
    PUT /delay with a number of seconds makes it answer that much later from then on.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pg_artery.demo.record import Receipt, read_record

BASE_PATH = "/api/v1"
#: the most that this MES plans in one order
MOST = 500


class Mes:
    """What the MES knows, and the record it is known from."""

    def __init__(self, record: Path) -> None:
        self.delay = 0.0
        self._lock = threading.Lock()
        self._first: dict[str, Receipt] = {}
        self._orders: dict[str, int] = {}
        for receipt in read_record(record):
            self._remember(receipt)
        self._file = record.open("a")

    def _remember(self, receipt: Receipt) -> None:
        self._first.setdefault(receipt.request_id, receipt)
        if receipt.effect:
            self._orders[receipt.mo_no] = receipt.version

    def receive(self, at: float, request_id: str, path: str, body: bytes) -> Receipt:
        """Take one request; what it came to is on record before this returns."""
        digest = hashlib.sha256(body).hexdigest()
        order = json.loads(body)
        with self._lock:
            first = self._first.get(request_id)
            effect = False
            if first is None:
                status_code, answer, effect = self._decide(path.rpartition("/")[2], order)
            elif first.sha256 != digest:
                status_code = 422
                answer = {"title": "Request-ID used before with another body"}
            else:
                status_code, answer = first.status_code, first.answer
            receipt = Receipt(
                at=at,
                request_id=request_id,
                path=path,
                sha256=digest,
                mo_no=order["mo_no"],
                version=order["version"],
                quantity=order["quantity"],
                effect=effect,
                replayed=first is not None,
                status_code=status_code,
                answer=answer,
            )
            self._remember(receipt)
            self._file.write(receipt.line())
            self._file.flush()
        return receipt

    def _decide(self, action: str, order: dict[str, Any]) -> tuple[int, dict[str, Any], bool]:
        mo_no, version = order["mo_no"], order["version"]
        known = self._orders.get(mo_no)
        reason = ""
        if action != "create" and known is None:
            reason = f"{mo_no} is not known here"
        elif known is not None and version <= known:
            reason = f"version {known} of {mo_no} is here already"
        elif action != "cancel" and float(order["quantity"]) > MOST:
            reason = f"line P takes at most {MOST} in one order"
        answer = {"mo_no": mo_no, "version": version, "status": "refused", "reason": reason}
        if not reason:
            answer = {
                "mo_no": mo_no,
                "version": version,
                "status": "acknowledged",
                "mes_order_no": f"SF-{mo_no.removeprefix('MO-')}",
            }
        return 200, answer, not reason


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections kept open; an answer leaves in one write."""

    protocol_version = "HTTP/1.1"
    mes: Mes

    def do_POST(self) -> None:
        """Take an order, a change or a cancellation."""
        body = self._body()
        at = time.time()
        request_id = self.headers.get("X-Request-ID", "")
        if not request_id or not self.path.startswith(f"{BASE_PATH}/mo/"):
            self._answer(400, {"title": "no Request-ID, or no such path"})
            return
        receipt = self.mes.receive(at, request_id, self.path, body)
        time.sleep(self.mes.delay)
        self._answer(receipt.status_code, receipt.answer)

    def do_PUT(self) -> None:
        """Set the delay of the answers from now on."""
        self.mes.delay = float(self._body())
        self._answer(200, {"delay": self.mes.delay})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status_code: int, answer: dict[str, Any], *headers: str) -> None:
        body = json.dumps(answer).encode()
        more = "".join(f"{header}\r\n" for header in headers)
        head = (
            f"HTTP/1.1 {status_code} -\r\n{more}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)

    def log_message(self, *_arguments: Any) -> None:
        """Write no access log: the record is one."""


class Server(ThreadingHTTPServer):
    """Loopback only; its threads end with it."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, without Nagle's delay."""
        connection, peer = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, peer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up: in this demo runners are killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main(port: int, record: Path) -> None:
    """Serve until killed; port 0 takes a free one. Its number goes to standard output."""
    Handler.mes = Mes(record)
    with Server(("127.0.0.1", port), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
