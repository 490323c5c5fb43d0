"""The thread that writes results back, in batches, until PostgreSQL has taken each of them."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic, sleep

import orjson
import psycopg
import structlog

from pg_artery import failpoint
from pg_artery.db import Session
from pg_artery.work import Result, Task

LINGER = 0.003  # seconds in which more results may join a batch while calls are under way
REPORT_LIMIT = 30.0  # seconds
BATCH_BYTES = 4 * 1024 * 1024  # bodies in one report

Outcome = tuple[Task, Result]


class Reporter:
    """Takes results from the transport's thread (`put`) and reports them from its own (`run`).

    Reporting the same result twice changes nothing, so after a lost connection a batch is simply
    sent again. Parameters: `runner()` this runner's number; `batch` most results in one call;
    `busy()` whether more results are coming; `settle(task)` is told each result that was taken;
    `hold(endpoint_id)` each endpoint that may not be called now.
    """

    def __init__(
        self,
        session: Session,
        runner: Callable[[], int],
        batch: int,
        busy: Callable[[], bool],
        settle: Callable[[Task], None],
        hold: Callable[[int], None],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._session = session
        self._runner = runner
        self._batch = batch
        self._busy = busy
        self._settle = settle
        self._hold = hold
        self._log = log
        self._queue: SimpleQueue[Outcome | None] = SimpleQueue()
        # each counter is written by one thread only
        self._put = self._taken = 0
        self._put_bytes = self._taken_bytes = 0
        self.failed = self.stale = self.handler_failed = 0
        self._began = 0.0

    @property
    def pending(self) -> int:
        """Results that PostgreSQL has not taken yet."""
        return self._put - self._taken

    @property
    def pending_bytes(self) -> int:
        """Size of their bodies."""
        return self._put_bytes - self._taken_bytes

    @property
    def reported(self) -> int:
        """Results that PostgreSQL has taken."""
        return self._taken

    def put(self, task: Task, result: Result) -> None:
        """Queue a result; called by the transport's thread."""
        self._put += 1
        self._put_bytes += result.get("response_bytes", 0)
        self._queue.put((task, result))

    def finish(self) -> None:
        """Let `run` return once all that was put before is reported."""
        self._queue.put(None)

    def cancel_overdue(self) -> bool:
        """Cancel a report that takes too long, in another thread; gives whether there was one.

        A reply handler that never ends fails of it, its answer is kept, and the report goes on.
        """
        if not self._began or monotonic() - self._began < REPORT_LIMIT:
            return False
        self._began = monotonic()
        self._session.cancel()
        return True

    def run(self) -> None:
        """Report until `finish`. Errors: Stopped when PostgreSQL stayed away for too long."""
        last = False
        while not last:
            batch, last = self._gather()
            if batch:
                if failpoint.hit is not None:
                    failpoint.hit("before_report")
                self._report(batch)
                if failpoint.hit is not None:
                    failpoint.hit("after_report")
                self._taken += len(batch)
                self._taken_bytes += sum(r.get("response_bytes", 0) for _, r in batch)

    def _gather(self) -> tuple[list[Outcome], bool]:
        batch: list[Outcome] = []
        size = 0
        lingered = False
        while len(batch) < self._batch and size < BATCH_BYTES:
            try:
                item = self._queue.get(block=not batch)
            except Empty:
                if lingered or not self._busy():
                    break
                lingered = True
                sleep(LINGER)
                continue
            if item is None:
                return batch, True
            batch.append(item)
            size += item[1].get("response_bytes", 0)
        return batch, False

    def _report(self, batch: list[Outcome]) -> None:
        """Report a batch; one that PostgreSQL refuses is halved until the culprit stands alone."""

        def send() -> dict[str, list[int]]:
            now = monotonic()
            for task, result in batch:
                result["ago_ms"] = (now - task.started) * 1000 if task.started else 0.0
            payload = orjson.dumps([result for _, result in batch]).decode()
            self._began = now
            try:
                return self._session.report(self._runner(), payload)
            finally:
                self._began = 0.0

        try:
            answer = self._session.call(send)
        except (psycopg.Error, orjson.JSONEncodeError) as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                self._report(batch[:middle])
                self._report(batch[middle:])
                return
            self._log.error("report refused", task=batch[0][0].id, error=str(error).strip())
            if "response_body" not in batch[0][1]:
                raise
            # the status is worth more than the body that could not be stored
            del batch[0][1]["response_body"]
            batch[0][1].pop("response_headers", None)
            self._report(batch)
            return
        self._note(batch, answer)

    def _note(self, batch: list[Outcome], answer: dict[str, list[int]]) -> None:
        for endpoint_id in answer.get("hold", ()):
            self._hold(endpoint_id)
        for task, result in batch:
            self._settle(task)
            if "error_kind" in result or result["status_code"] >= 300:
                self.failed += 1
                self._log.debug(
                    "call failed",
                    task=task.id,
                    attempt=task.attempt,
                    url=result["url"],
                    status=result.get("status_code"),
                    kind=result.get("error_kind"),
                    error=result.get("error"),
                )
        for name in ("stale", "handler_failed"):
            if answer.get(name):
                setattr(self, name, getattr(self, name) + len(answer[name]))
                ids = answer[name]
                self._log.warning(f"results {name}", tasks=ids[:20], count=len(ids))
