"""The other side: a receiver of its own process that honours the Request-ID and misbehaves by seed.

Each request is a line of JSON in RECORD before its answer goes out. Whether an answer is a 200, a
500, a 429, slow, or a cut connection before or after the effect, is decided by the seed, the
Request-ID and how often that was received; once it has had its effect, every later one is answered
200 with no further effect.

    python chaos_receiver.py RECORD SEED     prints its port
"""

from __future__ import annotations

import hashlib
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, ClassVar


@dataclass(frozen=True)
class Receipt:
    """A request as it arrived: `span` is the attempt's own id, `answer` what it was to get."""

    at: float
    request_id: str
    span: str
    sha256: str
    effect: bool
    answer: str


# answer -> share of first receipts; the rest is 200 at once
MOODS = {
    "500": 0.04,
    "429": 0.03,
    "cut": 0.01,
    "effect, cut": 0.02,
    "slow": 0.02,
    "too slow": 0.004,
}
AFTER_EFFECT = {"200", "effect, cut", "slow", "too slow"}
TOO_SLOW = 2.5  # seconds; the endpoints' total_timeout is 2


def read_record(file: Path) -> list[Receipt]:
    text = file.read_text() if file.exists() else ""
    return [Receipt(**json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seed = 0
    record: IO[str]
    lock = threading.Lock()
    received: ClassVar[Counter[str]] = Counter()
    done: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        at = time.time()
        request_id = self.headers["X-Request-ID"]
        with self.lock:
            self.received[request_id] += 1
            dice = random.Random(f"{self.seed} {request_id} {self.received[request_id]}")
            known = request_id in self.done
            answer = "200" if known else self.mood(dice.random())
            effect = not known and answer in AFTER_EFFECT
            if effect:
                self.done.add(request_id)
            span = self.headers["traceparent"].split("-")[2]
            digest = hashlib.sha256(body).hexdigest()
            receipt = Receipt(at, request_id, span, digest, effect, answer)
            self.record.write(json.dumps(asdict(receipt)) + "\n")
            self.record.flush()
        slow = {"slow": dice.uniform(0.2, 1.0), "too slow": TOO_SLOW}
        time.sleep(slow.get(answer, dice.uniform(0.001, 0.015)))
        if "cut" in answer:
            self.close_connection = True
            return
        status = int(answer) if answer.isdigit() else 200
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
        self.wfile.write(head.encode() + b"{}")

    def mood(self, die: float) -> str:
        for answer, share in MOODS.items():
            die -= share
            if die < 0:
                return answer
        return "200"

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, peer

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


if __name__ == "__main__":
    Handler.seed = int(sys.argv[2])
    with Path(sys.argv[1]).open("a") as Handler.record, Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
