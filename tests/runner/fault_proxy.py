"""A TCP proxy that does to a connection what its `fault` says; it runs in a thread of its own.

none          passes everything on
delay         holds the answer back for `seconds`
black_hole    accepts, reads nothing, says nothing
reset         reads the request, then resets
reset_midway  passes half of the answer on, then resets
close         reads the request, then closes
truncate      passes half of the answer on, then closes
drip          passes a byte each 20 ms on
flood_*       answers by itself, without end: headers, a header line, interim answers, body,
              chunk extensions, trailers
bomb_*        answers by itself: little that unpacks to much
claim         announces a body of an exabyte
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
import zlib
from collections.abc import Iterator

from receiver import bomb

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Y = b"y" * 1000


def flood(kind: str) -> tuple[bytes, bytes]:
    """Give what such an answer begins with, and what it goes on with for ever."""
    return {
        "flood_headers": (OK, b"X-Bomb: " + Y + b"\r\n"),
        "flood_line": (OK + b"X-Bomb: ", Y),
        "flood_interim": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: <" + Y + b">\r\n\r\n"),
        "flood_body": (CHUNKED, b"3e8\r\n" + Y + b"\r\n"),
        "flood_extension": (CHUNKED + b"1;x=", Y),
        "flood_trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X-Bomb: " + Y + b"\r\n"),
    }[kind]


@functools.cache
def packed(kind: str) -> bytes:
    """Give an answer that unpacks to 100 MB, packed once or twice."""
    if kind == "bomb_nested":
        packer = zlib.compressobj(9, wbits=31)
        inner = packed("bomb_gzip").partition(b"\r\n\r\n")[2]
        body, encoding = packer.compress(inner) + packer.flush(), b"gzip, gzip"
    else:
        body, encoding = bomb(100_000_000), b"gzip"
    return OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body)) + body


class FaultProxy:
    """Listens on loopback in front of `upstream` (a port there)."""

    def __init__(self, upstream: int) -> None:
        self.fault, self.seconds, self.accepted = "none", 5.0, 0
        self._upstream = upstream
        for kind in ("bomb_gzip", "bomb_nested"):
            packed(kind)  # takes longer than a call may
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        server = await asyncio.start_server(self._serve, sock=self._listener)
        await self._end.wait()
        server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.fault == "black_hole":
                await asyncio.sleep(3600)
            while await self._exchange(reader, writer):
                pass
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; gives whether the connection stays."""
        request = await self._message(reader)
        fault = self.fault
        if fault == "close":
            return False
        if fault.startswith("flood_"):
            first, more = flood(fault)
            writer.write(first)
            while True:
                writer.write(more * 50)
                await writer.drain()
        if fault.startswith("bomb_"):
            answer = packed(fault)
        elif fault == "claim":
            answer = OK + b"Content-Length: %d\r\n\r\nx" % (10**18)
        else:
            answer = await self._ask(request)
        if fault == "delay":
            await asyncio.sleep(self.seconds)
        if fault in ("reset", "reset_midway"):
            writer.write(answer[: len(answer) // 2] if fault == "reset_midway" else b"")
            await asyncio.sleep(0.05)
            linger = b"\1\0\0\0\0\0\0\0"  # on, no time: closing resets
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        for part in [bytes([b]) for b in answer] if fault == "drip" else [answer]:
            writer.write(part[: len(part) // 2] if fault == "truncate" else part)
            await writer.drain()
            await asyncio.sleep(0.02 if fault == "drip" else 0)
        return fault != "truncate"

    async def _ask(self, request: bytes) -> bytes:
        """Pass a request on; gives the whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        writer.write(request)
        answer = await self._message(reader)
        writer.close()
        return answer

    @staticmethod
    async def _message(reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return head + await reader.readexactly(int(length or 0))


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """Give a port of loopback that lets no connection be made, and refuses none."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
