"""A receiver that does nothing but note when each request came: `python -m bench.receiver PORT`.

The id is taken from the request's body, `"id"` followed by digits; times are of the monotonic
clock, which all processes of a host share. SIGTERM ends it; it prints the arrivals then.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time

_ID = re.compile(rb'"id": ?"(\d+)"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n"
    b'{"status":"accepted"}'
)


class Receiver(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, arrivals: dict[int, float]) -> None:
        self._arrivals = arrivals
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._pending += data
        while (head := self._pending.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._pending, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._pending) < end:
                return
            found = _ID.search(self._pending, head, end)
            if found:
                self._arrivals.setdefault(int(found[1]), now)
            self._pending = self._pending[end:]
            self._transport.write(_ANSWER)


async def main(port: int) -> None:
    """Listen on loopback until SIGTERM, then print `{"event": "arrivals", "at": {id: seconds}}`."""
    arrivals: dict[int, float] = {}
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: Receiver(arrivals), "127.0.0.1", port)
    print(json.dumps({"event": "ready"}), flush=True)
    await stopped.wait()
    server.close()
    print(json.dumps({"event": "arrivals", "at": arrivals}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
