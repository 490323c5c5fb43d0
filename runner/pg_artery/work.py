"""What the threads of a runner hand to each other: tasks under their leases, and results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import monotonic
from typing import Any

Result = dict[str, Any]


class Lease:
    """The tasks of one claim that have not been written back, and until when they are ours.

    `until` is on this machine's monotonic clock and counts from before the claim was sent, so it
    never ends later than the database's own lease.
    """

    __slots__ = ("claimed", "since", "tasks", "until")

    def __init__(self, since: float, seconds: float) -> None:
        self.tasks: dict[int, Task] = {}
        self.claimed = since
        self.renewed(since, seconds)

    def renewed(self, since: float, seconds: float) -> None:
        """Note that the lease was asked for at `since` and granted for `seconds`."""
        self.since = since
        self.until = since + seconds


class Task:
    """One claimed task: the frozen request, its lease, this attempt's span, when to send."""

    __slots__ = (
        "attempt", "body", "content_type", "download_bytes", "endpoint_id", "endpoint_version",
        "headers", "id", "lease", "lost", "method", "not_before", "path", "request_id",
        "span_id", "started", "unauthorized",
    )  # fmt: skip

    def __init__(self, row: Sequence[Any], span_id: str, lease: Lease, claimed: float) -> None:
        (
            self.id, self.attempt, self.request_id, self.endpoint_id, self.endpoint_version,
            self.method, self.path, self.content_type, self.headers, self.body,
            self.download_bytes, delay_ms,
        ) = row  # fmt: skip
        self.span_id: str = span_id
        self.lease = lease
        # 0 where the endpoint has no rate limit
        self.not_before: float = claimed + delay_ms / 1000 if delay_ms else 0.0
        self.lost = False
        self.unauthorized = False  # answered 401 once in this attempt
        self.started = 0.0


def lease_tasks(rows: Sequence[Sequence[Any]], since: float, seconds: float) -> Lease:
    """Put the rows of one claim under a lease; each attempt gets a span id of its own."""
    lease = Lease(since, seconds)
    claimed = monotonic()
    spans = os.urandom(8 * len(rows)).hex()
    for n, row in enumerate(rows):
        task = Task(row, spans[16 * n : 16 * n + 16], lease, claimed)
        lease.tasks[task.id] = task
    return lease
