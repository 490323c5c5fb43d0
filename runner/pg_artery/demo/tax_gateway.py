"""A demo tax gateway: the tax cloud over real HTTP, on good days and on bad ones.

    python -m pg_artery.demo.tax_gateway PORT RECORD
    PUT /mood with the name of a mood makes it answer so from then on.

With a seed each document has moods of its own, drawn from the seed and its order number, so that a
run with the same seed misbehaves in the same places.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pg_artery.demo.mes import Handler, Server
from pg_artery.demo.tax_cloud import CONTENT_TYPES, TaxCloud

BASE_PATH = "/api/v1"
#: of a call that issues: what happens beside the invoice. Those with doubt lose the answer
MOODS = ("good", "late", "twice", "wrong", "busy", "away", "lost", "reset", "accepted", "working")
DOUBT = ("lost", "reset")
#: of a file
FILE_MOODS = ("good", "page", "cut", "huge", "other", "not yet")


class Gateway(Handler):
    """HTTP before a TaxCloud; one subclass with its own attributes serves one cloud."""

    cloud: TaxCloud
    seed: ClassVar[int | None] = None
    mood: ClassVar[str] = "good"
    #: how long an answer that is lost, or late, keeps its caller waiting, in seconds
    hang: ClassVar[float] = 3.0
    late: ClassVar[float] = 0.2
    #: that many files of one kind in a bad mood come before a good one; -1 = always
    spoiled: ClassVar[int] = 1
    #: confirmations wait for the buyer, see TaxCloud.settle; red invoices are refused
    waiting: ClassVar[bool] = False
    refuses_red: ClassVar[bool] = False
    calls: ClassVar[Counter[str]]
    asked: ClassVar[Counter[str]]

    # -- requests -------------------------------------------------------------------------------

    def do_POST(self) -> None:
        """Issue an invoice, take a confirmation or its withdrawal."""
        body, words = self._body(), self._words()
        request_id = self.headers.get("X-Request-ID", "")
        match words:
            case ["invoices"]:
                self._take(request_id, body, self.cloud.issue)
            case ["red-confirmations"]:
                status = "waiting" if self.waiting else "confirmed"
                self._take(request_id, body, partial(self.cloud.confirm, status=status))
            case ["red-confirmations", "by-request", _, "withdrawal"]:
                self._answer(*self.cloud.withdraw(request_id, body))
            case _:
                self._answer(404, {"title": "no such path"})

    def do_GET(self) -> None:
        """Tell what became of a request, or give a file."""
        match self._words():
            case [what, "by-request", request_id]:
                self.asked[request_id] += 1
                status_code, answer = self.cloud.known(what, request_id)
                if self._drawn(f"{what} {answer.get('orderNo')}") in ("accepted", "working") and (
                    self.asked[request_id] == 1
                ):
                    answer = _processing(answer)
                self._answer(status_code, answer)
            case ["invoices", number, "files", kind]:
                self._give(number, kind)
            case _:
                self._answer(404, {"title": "no such path"})

    def do_PUT(self) -> None:
        """Set the mood."""
        mood = self._body().decode()
        type(self).mood = mood
        self._answer(200, {"mood": mood})

    def _words(self) -> list[str]:
        if not self.path.startswith(f"{BASE_PATH}/"):
            return []
        return self.path.removeprefix(f"{BASE_PATH}/").split("/")

    # -- moods ----------------------------------------------------------------------------------

    def _drawn(self, name: str, moods: tuple[str, ...] = MOODS) -> str:
        if self.seed is None:
            return self.mood if self.mood in moods else "good"
        return random.Random(f"{self.seed} {name}").choice(moods)  # noqa: S311  # nosec B311

    def _take(self, request_id: str, body: bytes, take: Any) -> None:
        name = f"{self._words()[0]} {json.loads(body).get('orderNo')}"
        mood = self._drawn(name)
        self.calls[name] += 1
        first = self.calls[name] == 1
        if mood in ("busy", "away") and first:
            # nothing was taken, and it says so
            wait = ("Retry-After: 1",) if mood == "busy" else ()
            self._answer(429 if mood == "busy" else 503, {"title": "later"}, *wait)
            return
        if self.refuses_red and b'"color": "red"' in body:
            self._answer(422, {"status": "failed", "code": "E9", "message": "not today"})
            return
        status_code, answer = take(request_id, body)
        if status_code != 200:
            self._answer(status_code, answer)
            return
        match mood:
            case "late":
                time.sleep(self.late)
                self._answer(status_code, answer)
            case "twice":
                self._answer(status_code, answer)
                self._answer(status_code, answer)
                self.close_connection = True
            case "wrong":
                self._answer(status_code, answer | {"totalWithTax": "0.01"})
            case "lost":
                time.sleep(self.hang)
                self.close_connection = True
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.close_connection = True
                self.connection.close()
            case "accepted":
                self._answer(202, _processing(answer))
            case "working":
                self._answer(200, _processing(answer))
            case _:
                self._answer(status_code, answer)

    def _give(self, number: str, kind: str) -> None:
        found = self.cloud.file(number, kind)
        if found is None:
            self._answer(404, {"title": "no such file"})
            return
        content, digest = found
        mood = self._drawn(f"{number}.{kind}", FILE_MOODS)
        self.calls[self.path] += 1
        if 0 <= self.spoiled < self.calls[self.path]:
            mood = "good"
        if mood == "not yet":
            self._answer(503, {"title": "being made"})
            return
        length = len(content)
        if mood == "page":
            content, length = b"<html>try again later</html>", 28
        elif mood == "cut":
            content = content[:-9]
        elif mood == "huge":
            content += b"\n" * (1 << 22)
            length = len(content)
        elif mood == "other":
            # whole, of its kind, and not the one that was announced
            content = self.cloud.file(number, kind)[0].replace(number.encode(), b"9" * 20)  # type: ignore[index]
        head = (
            f"HTTP/1.1 200 -\r\nContent-Type: {CONTENT_TYPES[kind]}\r\nContent-Length: {length}\r\n"
            f'Content-Disposition: attachment; filename="{number}.{kind}"\r\n'
            f"Repr-Digest: {digest}\r\n\r\n"
        )
        self.wfile.write(head.encode() + content)
        self.close_connection = mood == "cut"


def _processing(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": "processing", "requestId": answer.get("requestId"),
        "orderNo": answer.get("orderNo"),
    }  # fmt: skip


def serve(cloud: TaxCloud, port: int = 0, **moods: Any) -> Server:
    """Give a server, bound and not yet serving, of a cloud.

    :param moods: attributes of Gateway, such as seed=7
    """
    own = {"cloud": cloud, "calls": Counter(), "asked": Counter(), **moods}
    return Server(("127.0.0.1", port), type("OneGateway", (Gateway,), own))


def main(port: int, record: Path) -> None:
    """Serve until killed; port 0 takes a free one. Its number goes to standard output."""
    with serve(TaxCloud(record), port) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
