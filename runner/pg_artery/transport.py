"""HTTP by libcurl's multi interface: many calls under way in one thread, no Python between bytes.

What costs processor time here is paid per request, so each `Call` is a libcurl handle whose
constant options are set once and which serves one request after the other; header lines and body
chunks are gathered by `list.append` itself. `perform` with a wait on libcurl's own descriptors was
measured at 14 µs a request, `socket_action` with epoll at 18 µs.

Redirects are never followed, the environment's proxies and netrc are never consulted, TLS is always
verified, and one deadline covers the whole call however slowly it drips.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import orjson
import pycurl

from pg_artery import egress, failpoint, outcome
from pg_artery.endpoint import Endpoint, Unusable, check_headers, redact
from pg_artery.wakeup import Wakeup
from pg_artery.work import Result, Task

MAX_CONCURRENCY = 500  # libcurl's wait goes through select(), which ends at descriptor 1023
REUSE_SECONDS = 60


class Call:
    """A libcurl handle that is set up for one endpoint and method, and what it gathers."""

    __slots__ = ("body", "curl", "endpoint", "lines", "method", "refused", "sent", "task")

    def __init__(self, endpoint: Endpoint, method: str) -> None:
        self.endpoint = endpoint
        self.method = method
        self.body: list[bytes] = []
        self.lines: list[bytes] = []
        self.refused: list[str] = []
        self.sent: dict[str, str] = {}
        self.task: Task
        self.curl = curl = pycurl.Curl()
        curl.call = self
        if method == "GET":
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            curl.setopt(pycurl.POST, 1)
            if method != "POST":
                curl.setopt(pycurl.CUSTOMREQUEST, method)
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PROXY, ""),
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.PATH_AS_IS, 1),
            (pycurl.ACCEPT_ENCODING, ""),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.MAXAGE_CONN, REUSE_SECONDS),
            (pycurl.CONNECTTIMEOUT_MS, endpoint.connect_timeout_ms),
            (pycurl.TIMEOUT_MS, endpoint.total_timeout_ms),
            (pycurl.MAXFILESIZE_LARGE, endpoint.max_response_bytes),
            (pycurl.WRITEFUNCTION, self.body.append),
            (pycurl.HEADERFUNCTION, self.lines.append),
            (pycurl.OPENSOCKETFUNCTION, egress.opener(endpoint.allowed, self.refused.append)),
        ):
            curl.setopt(option, value)

    def prepare(self, task: Task) -> None:
        """Set what differs from call to call. Errors: Unusable."""
        self.task = task
        request_id, content_type = task.request_id, task.content_type
        traceparent = f"00-{request_id.replace('-', '')}-{task.span_id}-01"
        own: dict[str, str] = {}
        if task.headers is not None:
            own = orjson.loads(task.headers)
            parent = str(own.pop("traceparent", "")).split("-")
            own = check_headers(own, "the task's")
            if len(parent) >= 4 and len(parent[1]) == 32:
                traceparent = f"00-{parent[1]}-{task.span_id}-{parent[3][:2]}"
        lines = [
            f"Content-Type: {content_type}",
            f'Idempotency-Key: "{request_id}"',
            f"X-Request-ID: {request_id}",
            f"traceparent: {traceparent}",
            *self.endpoint.header_lines,
        ]
        self.sent = {
            "content-type": content_type,
            "idempotency-key": f'"{request_id}"',
            "traceparent": traceparent,
        }
        if self.endpoint.logged_headers:
            self.sent.update(self.endpoint.logged_headers)
        if own:
            lines += [f"{name}: {value}" for name, value in own.items()]
            self.sent.update(redact(own))
        if not task.path.startswith("/"):
            raise Unusable("bad_request", f"the path {task.path!r} does not begin with a slash")
        try:
            self.curl.setopt(pycurl.URL, self.endpoint.base_url + task.path)
            self.curl.setopt(pycurl.HTTPHEADER, lines)
            if self.method != "GET":
                self.curl.setopt(pycurl.POSTFIELDS, (task.body or "").encode())
        except (pycurl.error, UnicodeError, ValueError) as error:
            raise Unusable("bad_request", f"libcurl refuses the request: {error}") from error

    def reset(self) -> None:
        """Forget the finished request."""
        self.body.clear()
        self.lines.clear()
        self.refused.clear()

    def result(self, code: int, message: str) -> Result:
        """Give the report on the finished request; `code`, `message` are libcurl's, 0 if well."""
        curl, task = self.curl, self.task
        result = report(task, self.endpoint)
        result["request_headers"] = self.sent
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        if status:
            result["status_code"] = status
        dialled = 0.0
        if curl.getinfo(pycurl.NUM_CONNECTS):
            looked_up = curl.getinfo(pycurl.NAMELOOKUP_TIME)
            dialled = curl.getinfo(pycurl.CONNECT_TIME)
            secured = curl.getinfo(pycurl.APPCONNECT_TIME)
            result["dns_ms"] = looked_up * 1000
            result["connect_ms"] = max(dialled - looked_up, 0) * 1000
            if secured:
                result["tls_ms"] = (secured - dialled) * 1000
        result["first_byte_ms"] = curl.getinfo(pycurl.STARTTRANSFER_TIME) * 1000
        result["total_ms"] = curl.getinfo(pycurl.TOTAL_TIME) * 1000
        result["peer"] = curl.getinfo(pycurl.PRIMARY_IP)
        if code:
            self._explain(result, code, message, dialled)
        headers = outcome.response_headers(self.lines)
        if headers:
            result["response_headers"] = headers
            if "retry-after" in headers:
                result["retry_after"] = headers["retry-after"]
        if self.body and result.get("error_kind") != "too_large":
            body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
            result["response_bytes"] = len(body)
            result["response_body"] = outcome.text(body, headers.get("content-type", ""))
        else:
            result["response_bytes"] = sum(map(len, self.body))
        return result

    def _explain(self, result: Result, code: int, message: str, dialled: float) -> None:
        kind = outcome.KINDS.get(code, "protocol")
        if kind == "timeout":
            connected = self.curl.getinfo(pycurl.PRETRANSFER_TIME) > 0
            kind = outcome.timeout_kind(dialled > 0 or bool(result["peer"]), connected)
        elif kind == "connect" and self.refused:
            kind, message = "egress", f"address {', '.join(self.refused)} is not allowed"
        result["error_kind"] = kind
        result["error"] = message[:500].replace("\x00", "")


def report(task: Task, endpoint: Endpoint | None, problem: Unusable | None = None) -> Result:
    """Give the part of a report that does not depend on an answer, with `problem` if unsendable."""
    result: Result = {"id": task.id, "attempt": task.attempt, "span_id": task.span_id}
    result["url"] = (endpoint.base_url if endpoint else "") + task.path
    if problem is not None:
        result["error_kind"], result["error"] = problem.kind, str(problem)
    return result


class Lane:
    """The tasks that wait for one endpoint, and its idle handles."""

    __slots__ = ("endpoint", "idle", "under_way", "waiting")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.waiting: deque[Task] = deque()
        self.idle: dict[str, list[Call]] = {}
        self.under_way = 0

    def update(self, endpoint: Endpoint) -> None:
        """Take a new version of the configuration; handles set up for the old one are dropped."""
        if endpoint is not self.endpoint:
            self.endpoint = endpoint
            self.idle.clear()

    def take(self, method: str) -> Call:
        """Give a handle for this method."""
        idle = self.idle.get(method)
        return idle.pop() if idle else Call(self.endpoint, method)

    def give_back(self, call: Call) -> None:
        """Keep a handle for the next call."""
        if call.endpoint is self.endpoint:
            call.reset()
            self.idle.setdefault(call.method, []).append(call)


class Transport:
    """Sends tasks and hands each result to `deliver`; everything here runs in one thread.

    Parameters: `concurrency` calls under way at once, of which one endpoint takes at most
    `per_endpoint`, so that a silent one leaves room for the others; `margin` seconds that a task's
    lease must still run for it to be sent; `deliver(task, result)`; `forget(task)` for a task whose
    lease was lost before it was sent. `taken` counts the tasks that no longer wait, in total.
    """

    def __init__(
        self,
        concurrency: int,
        per_endpoint: int,
        margin: float,
        deliver: Callable[[Task, Result], None],
        forget: Callable[[Task], None],
    ) -> None:
        self._free = min(concurrency, MAX_CONCURRENCY)
        self._per_endpoint = min(per_endpoint, self._free)
        self._margin = margin
        self._deliver = deliver
        self._forget = forget
        self._lanes: dict[int, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._active: set[Call] = set()
        self._marked: set[Call] = set()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, 2 * self._free)
        self.taken = 0

    @property
    def under_way(self) -> int:
        """Calls that have been started and not ended."""
        return len(self._active)

    def submit(self, endpoint: Endpoint, tasks: Iterable[Task]) -> None:
        """Queue tasks of one endpoint."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(endpoint)
        lane.update(endpoint)
        if not lane.waiting:
            self._ready.append(lane)
        lane.waiting.extend(tasks)

    def saturated(self, depth: int) -> list[int]:
        """Give the endpoints with at least `depth` tasks waiting behind a full share of calls."""
        return [
            number
            for number, lane in self._lanes.items()
            if len(lane.waiting) >= depth and lane.under_way >= self._per_endpoint
        ]

    def withdraw(self) -> list[Task]:
        """Give back all tasks that wait to be sent."""
        tasks = [task for lane in self._lanes.values() for task in lane.waiting]
        for lane in self._lanes.values():
            lane.waiting.clear()
        self._ready.clear()
        self.taken += len(tasks)
        return tasks

    def interrupt(self) -> None:
        """Break off all calls under way; each is reported as interrupted."""
        for call in list(self._active):
            self._finish(call, pycurl.E_ABORTED_BY_CALLBACK, "broken off: the runner is stopping")

    def close(self) -> None:
        """Close all connections."""
        self._multi.close()

    def pump(self, wake: Wakeup, timeout: float, sending: bool = True) -> None:
        """Start what may start, move bytes, deliver results; else wait.

        Parameters: `wake` ends the wait early; `timeout` longest wait in seconds;
        `sending` false starts nothing new.
        """
        blocked = not sending or self._start_ready()
        if self._active:
            self._multi.perform()
            if failpoint.hit is not None:
                self._hit_mid_send(failpoint.hit)
            if self._reap():
                return
        if not blocked and self._ready and self._free:
            return
        if blocked and self._ready:
            timeout = min(timeout, 0.05)
        readable, writable, exceptional = self._multi.fdset() if self._active else ([], [], [])
        if self._active:
            due = self._multi.timeout()
            if due >= 0:
                timeout = min(timeout, due / 1000)
        ready, _, _ = select.select([*readable, wake], writable, exceptional, timeout)
        if wake in ready:
            wake.clear()

    def _start_ready(self) -> bool:
        """Start calls, one of each endpoint in turn; gives whether what waits may not start now."""
        ready, now, passed = self._ready, monotonic(), 0
        while ready and self._free and passed < len(ready):
            lane = ready.popleft()
            waiting = lane.waiting
            while waiting and (waiting[0].lost or waiting[0].lease.until <= now):
                self._forget(waiting.popleft())
                self.taken += 1
            if not waiting:
                continue
            if lane.under_way >= self._per_endpoint or waiting[0].lease.until - now < self._margin:
                ready.append(lane)
                passed += 1
                continue
            self._start(lane, waiting.popleft(), now)
            self.taken += 1
            passed = 0
            if waiting:
                ready.append(lane)
        return bool(ready) and passed >= len(ready)

    def _start(self, lane: Lane, task: Task, now: float) -> None:
        task.started = now
        if lane.endpoint.problem is not None:
            self._deliver(task, report(task, lane.endpoint, lane.endpoint.problem))
            return
        call = lane.take(task.method)
        try:
            call.prepare(task)
        except Unusable as problem:
            self._deliver(task, report(task, lane.endpoint, problem))
            lane.give_back(call)
            return
        self._multi.add_handle(call.curl)
        self._active.add(call)
        self._free -= 1
        lane.under_way += 1

    def _reap(self) -> bool:
        """Deliver the calls that ended. Gives whether there were any."""
        any_ended = False
        while True:
            queued, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                self._finish(curl.call, 0, "")
            for curl, code, message in failed:
                self._finish(curl.call, code, message)
            any_ended = any_ended or bool(succeeded or failed)
            if not queued:
                return any_ended

    def _finish(self, call: Call, code: int, message: str) -> None:
        result: dict[str, Any] = call.result(code, message)
        self._multi.remove_handle(call.curl)
        self._active.discard(call)
        self._marked.discard(call)
        self._free += 1
        lane = self._lanes[call.endpoint.id]
        lane.under_way -= 1
        task = call.task
        lane.give_back(call)
        if failpoint.hit is not None and 200 <= result.get("status_code", 0) < 300:
            failpoint.hit("after_reply")
        self._deliver(task, result)

    def _hit_mid_send(self, hit: Callable[[str], None]) -> None:
        """Reach the fail point once for each request whose bytes are out and unanswered."""
        for call in self._active - self._marked:
            if call.curl.getinfo(pycurl.REQUEST_SIZE) and not call.lines:
                self._marked.add(call)
                hit("mid_send")
