"""The thread that writes files into the database, piece by piece, while libcurl receives them.

What waits for the database is bounded over all files together: a call that would exceed it is
paused by libcurl, so that TCP slows its sender down, and goes on when there is room.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import orjson
import psycopg

from pg_artery.call import Call
from pg_artery.db import Session
from pg_artery.wakeup import Wakeup
from pg_artery.work import Result, Task

PIECE = 256 * 1024
MOST_WAITING = 16 * PIECE

Verdict = dict[str, Any]


class File:
    """One file on its way in: written by the transport's thread, `verdict` by the store's."""

    __slots__ = ("digest", "part", "pieces", "size", "task", "verdict")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.part = bytearray()
        self.pieces = 0
        self.size = 0
        self.digest = hashlib.sha256()
        self.verdict: Verdict | None = None  # why it is not taken: {"error_kind", "error"}


class Store:
    """Takes pieces (`put`) and ends (`finish`) of files.

    `done` has the results that it came to, `waiting` the calls that are paused until there is room.
    All but `run` belongs to the transport's thread. Parameters: `runner()` this runner's number;
    `wake` is set when there is room again or a result is done.
    """

    def __init__(self, session: Session, runner: Callable[[], int], wake: Wakeup) -> None:
        self._session = session
        self._runner = runner
        self._wake = wake
        self._queue: SimpleQueue[tuple[File, int, bytes | Result] | None] = SimpleQueue()
        # each counter is written by one thread only
        self._put = self._taken = 0
        self._short = False
        self.done: deque[tuple[Task, Result]] = deque()
        self.open = 0
        self.waiting: list[Call] = []

    @property
    def full(self) -> bool:
        """Whether no more may be put; if so, `wake` is set when that changes."""
        if self._put - self._taken < MOST_WAITING:
            return False
        self._short = True
        return self._put - self._taken >= MOST_WAITING

    def put(self, file: File, data: bytes) -> None:
        """Queue the next piece of a file."""
        self._put += len(data)
        self._queue.put((file, file.pieces, data))
        file.pieces += 1

    def finish(self, file: File, result: Result) -> None:
        """Queue the end of a file that was received whole; its result will be in `done`."""
        self.open += 1
        self._queue.put((file, file.pieces, result))

    def taken(self) -> tuple[Task, Result] | None:
        """Give one of the results that are done, None if there is none."""
        if not self.done:
            return None
        self.open -= 1
        return self.done.popleft()

    def close(self) -> None:
        """Let `run` return once all that was put before is stored."""
        self._queue.put(None)

    def run(self) -> None:
        """Store until `close`. Errors: Stopped when PostgreSQL stayed away for too long."""
        while (item := self._queue.get()) is not None:
            file, position, what = item
            if isinstance(what, bytes):
                if file.verdict is None:
                    file.verdict = self._store(file, position, what)
                self._taken += len(what)
                if self._short and self._put - self._taken < MOST_WAITING // 2:
                    self._short = False
                    self._wake.set()
                continue
            told = file.verdict or self._finish(file, position, what)
            if "error_kind" in told:
                what.update(told)
            else:
                what["response_body"] = orjson.dumps(told).decode()
            self.done.append((file.task, what))
            self._wake.set()

    def _store(self, file: File, position: int, data: bytes) -> Verdict | None:
        task = file.task
        try:
            return self._session.call(
                lambda: self._session.store_chunk(
                    self._runner(), task.id, task.attempt, position, data
                )
            )
        except psycopg.Error as error:
            return _refused(error)

    def _finish(self, file: File, pieces: int, result: Result) -> Verdict:
        task, digest = file.task, file.digest.digest()
        headers = result.get("response_headers") or {}
        try:
            return self._session.call(
                lambda: self._session.finish_download(
                    self._runner(), task.id, task.attempt, pieces, file.size, digest, headers
                )
            )
        except psycopg.Error as error:
            return _refused(error)


def _refused(error: psycopg.Error) -> Verdict:
    return {"error_kind": "storage", "error": f"not stored: {str(error).strip()}"[:500]}
