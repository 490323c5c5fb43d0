"""An HTTP server on loopback that gives files, whole and spoiled in every way, by their path."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MIB = 1 << 20
_NOISE = random.Random(7).randbytes(MIB)


def pdf(size: int) -> Iterator[bytes]:
    """A file of `size` bytes that begins and ends as a PDF does, never held whole."""
    head, tail = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"\nstartxref\n9\n%%EOF\n"
    yield head
    left = size - len(head) - len(tail)
    while left > 0:
        yield _NOISE[:left]
        left -= MIB
    yield tail


def ofd() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("OFD.xml", "<OFD/>"), ("Doc_0/Document.xml", "<Document/>" * 999)):
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def other_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.exe", "MZ")
    return out.getvalue()


class FileServer:
    """`/v1/...`: see `Handler.do_GET`. `asked` counts the requests by path."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.hold = threading.Event()  # /v1/held goes on when it is set
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                owner.asked[self.path] += 1
                try:
                    owner.answer(self, self.path.removeprefix("/v1/").split("/"))
                except OSError:
                    self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, to: BaseHTTPRequestHandler, words: list[str]) -> None:
        whole = b"".join(pdf(3 * MIB // 2 + 7))
        match words:
            case ["pdf", size]:
                self.send(to, pdf(int(size)), length=int(size))
            case ["chunked", size]:
                self.send(to, pdf(int(size)))
            case ["ofd"]:
                self.send(
                    to, [ofd()], **{"Content-Disposition": 'attachment; filename="../a/发票 1.ofd"'}
                )
            case ["zip"]:
                self.send(to, [other_zip()])
            case ["xml"]:
                self.send(to, ['\ufeff<?xml version="1.0"?>\n<发票 no="1">…</发票>\n'.encode()])
            case ["html"]:
                self.send(to, [b"<!DOCTYPE html><html>try again later</html>"])
            case ["empty"]:
                self.send(to, [], length=0)
            case ["digest", kind]:
                digest = hashlib.sha256(whole if kind == "right" else b"x").digest()
                value = f"sha-256=:{base64.b64encode(digest).decode()}:"
                self.send(to, [whole], **{"Repr-Digest": value})
            case ["cut"]:  # the connection ends before Content-Length
                self.send(to, [whole[:MIB]], length=len(whole))
                to.close_connection = True
            case ["cut-chunked"]:  # the sender itself sent less, and says that this is all
                self.send(to, [whole[:-9]])
            case ["cut-once"]:
                first = self.asked[to.path] == 1
                self.send(to, [whole[:MIB] if first else whole], length=len(whole))
                to.close_connection = first
            case ["endless"]:
                self.send(to, (_NOISE if n else b"%PDF-" for n in range(100_000)))
            case ["held"]:
                self.send(to, self.held(whole), length=len(whole))
            case ["changing"]:
                self.send(to, [*pdf(MIB), b"%% made at %d\n%%%%EOF" % time.monotonic_ns()])
            case ["later"]:
                ready = self.asked[to.path] > 1
                to.send_response(200 if ready else 202)
                self.send(to, [whole if ready else b"%PDF-"], started=True)
            case ["gone"]:
                body = b'{"type": "https://x.example/expired", "title": "Expired"}'
                to.send_response(404)
                to.send_header("Content-Type", "application/problem+json")
                self.send(to, [body], started=True)

    def held(self, whole: bytes) -> Iterator[bytes]:
        yield whole[:MIB]
        self.hold.wait(30)
        yield whole[MIB:]

    def send(
        self, to, parts, length: int | None = None, started: bool = False, **headers: str
    ) -> None:
        if not started:
            to.send_response(200)
            to.send_header("Content-Type", "application/octet-stream")
        for name, value in headers.items():
            to.send_header(name, value.encode().decode("latin-1"))
        if length is None:
            to.send_header("Transfer-Encoding", "chunked")
        else:
            to.send_header("Content-Length", str(length))
        to.end_headers()
        for part in parts:
            to.wfile.write(part if length is not None else b"%x\r\n%b\r\n" % (len(part), part))
        if length is None:
            to.wfile.write(b"0\r\n\r\n")
