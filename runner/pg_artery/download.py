"""A call whose answer is a file: what arrives goes on in pieces and is never held as a whole."""

from __future__ import annotations

import pycurl

from pg_artery.call import Call
from pg_artery.endpoint import Endpoint
from pg_artery.outcome import HTTP_VERSION_LINE
from pg_artery.store import PIECE, File, Store
from pg_artery.work import Result, Task

OK = 200
REFUSED = 0  # what a write callback returns to end the call


class Download(Call):
    """A handle for one download. An answer other than 200 is no file: kept in memory as ever."""

    __slots__ = ("file", "status", "store", "whole")

    def __init__(self, endpoint: Endpoint, task: Task, store: Store) -> None:
        super().__init__(endpoint, task.method)
        self.store = store
        self.file = File(task)
        self.status = 0
        self.whole = False
        # as it is stored and hashed, so as it is sent: no compression is asked for or undone
        self.curl.unsetopt(pycurl.ACCEPT_ENCODING)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._write)
        limit = max(task.download_bytes, endpoint.max_response_bytes)
        self.curl.setopt(pycurl.MAXFILESIZE_LARGE, limit)

    def _write(self, data: bytes) -> int | None:
        if not self.status:
            # libcurl tells it only once it is back from here
            first = [line for line in self.lines if line.startswith(HTTP_VERSION_LINE)][-1]
            self.status = int(first.split()[1])
        file = self.file
        if self.status != OK:
            file.size += len(data)
            if file.size > self.endpoint.max_response_bytes:
                file.verdict = _too_large(self.endpoint.max_response_bytes)
                return REFUSED
            self.body.append(data)
            return None
        if file.verdict is not None:
            return REFUSED
        if self.store.full:
            self.store.waiting.append(self)
            return int(pycurl.WRITEFUNC_PAUSE)
        file.size += len(data)
        if file.size > file.task.download_bytes:
            file.verdict = _too_large(file.task.download_bytes)
            return REFUSED
        file.digest.update(data)
        file.part += data
        while len(file.part) >= PIECE:
            self.store.put(file, bytes(file.part[:PIECE]))
            del file.part[:PIECE]
        return None

    def result(self, code: int, message: str) -> Result:
        """Give the report; where a file was received whole, the store has the last word on it."""
        result = super().result(code, message)
        file = self.file
        result["response_bytes"] = file.size
        if file.verdict is not None:
            result.update(file.verdict)
            result.pop("response_body", None)
        elif not code and result["status_code"] == OK:
            self.whole = True
            if file.part:
                self.store.put(file, bytes(file.part))
                file.part.clear()
        elif not code and 200 < result["status_code"] < 300:
            result["error_kind"] = "bad_content"
            result["error"] = f"status {result['status_code']} in place of a file"
        return result


def _too_large(limit: int) -> dict[str, str]:
    return {"error_kind": "too_large", "error": f"larger than {limit} bytes"}
