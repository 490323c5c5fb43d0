"""A TCP proxy before PostgreSQL that can swallow the reply to one statement: its COMMIT is lost.

The reply is let through to the proxy whole (so the autocommitted statement has committed), is
thrown away, and the connection is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing

READY = b"Z\x00\x00\x00\x05I"


def message_types(reply: bytes) -> Iterator[bytes]:
    at = 0
    while at + 5 <= len(reply):
        yield reply[at : at + 1]
        at += 1 + struct.unpack_from("!I", reply, at + 1)[0]


class SwallowProxy:
    """Listens on `port` from `start` to `stop`; `swallowed` has the moment of each lost reply."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._token: bytes | None = None
        self.swallowed: list[tuple[float, str]] = []
        self.port = 0

    def start(self) -> None:
        self._thread.start()
        serve = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def arm(self, function: str | None) -> None:
        """Swallow the next reply to a call of `function` that returns a row; None: no more."""
        self._token = None if function is None else function.encode()

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), closing(back):
            far, forth = await asyncio.open_connection("127.0.0.1", self._target_port)
            with closing(forth):
                asked: list[bytes] = []
                pipes = [self._upstream(near, forth, asked), self._downstream(far, back, asked)]
                tasks = [asyncio.ensure_future(pipe) for pipe in pipes]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()

    async def _upstream(
        self, near: asyncio.StreamReader, forth: asyncio.StreamWriter, asked: list[bytes]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await near.read(65536):
                token = self._token
                if token is not None and token in data:
                    asked.append(token)
                forth.write(data)
                await forth.drain()

    async def _downstream(
        self, far: asyncio.StreamReader, back: asyncio.StreamWriter, asked: list[bytes]
    ) -> None:
        kept = b""
        with contextlib.suppress(OSError):
            while data := await far.read(65536):
                if not asked:
                    back.write(data)
                    await back.drain()
                    continue
                kept += data
                if kept.endswith(READY):
                    if b"D" in message_types(kept) and self._token == asked[0]:
                        self._token = None
                        self.swallowed.append((time.time(), asked[0].decode()))
                        return
                    back.write(kept)
                    await back.drain()
                    kept = b""
                    asked.clear()
