"""HTTP by libcurl's multi interface: many calls under way in one thread, no Python between bytes.

`perform` with a wait on libcurl's own descriptors was measured at 14 µs a request, `socket_action`
with epoll at 18 µs.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable, Iterable
from math import inf
from time import monotonic
from typing import Any

import pycurl

from pg_artery import deadlines, failpoint
from pg_artery.call import UNAUTHORIZED, Call, report
from pg_artery.download import Download
from pg_artery.endpoint import Endpoint, Unusable
from pg_artery.lane import Lane
from pg_artery.sign_on import SignOns
from pg_artery.store import Store
from pg_artery.tokens import Token, TokenCall, TokenDesk
from pg_artery.wakeup import Wakeup
from pg_artery.work import Result, Task

MAX_CONCURRENCY = 500  # libcurl's wait goes through select(), which ends at descriptor 1023


class Transport:
    """Sends tasks and hands each result to `deliver`; everything here runs in one thread.

    Parameters: `concurrency` calls under way at once, of which one endpoint takes at most
    `per_endpoint`, so that a silent one leaves room for the others; `margin` seconds that a task's
    lease must still run for it to be sent; `deliver(task, result)`; `forget(task)` for a task whose
    lease was lost before it was sent; `store` takes files, without it answers are all the same.
    `taken` counts the tasks that no longer wait, in total.
    """

    def __init__(
        self,
        concurrency: int,
        per_endpoint: int,
        margin: float,
        deliver: Callable[[Task, Result], None],
        forget: Callable[[Task], None],
        store: Store | None = None,
    ) -> None:
        self._free = min(concurrency, MAX_CONCURRENCY)
        self._per_endpoint = min(per_endpoint, self._free)
        self._margin = margin
        self._deliver = deliver
        self._forget = forget
        self._store = store
        self._lanes: dict[int, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._held: dict[int, float] = {}
        self._active: set[Call] = set()
        self._marked: set[Call] = set()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, 2 * self._free)
        self._desk = TokenDesk(self._multi)
        self._sign_ons = SignOns(self._multi)
        self._paced_until = inf
        self._look_at = inf
        self.taken = 0

    @property
    def under_way(self) -> int:
        """Calls that have been started and not ended, files that are being stored included."""
        return len(self._active) + len(self._sign_ons) + (self._store.open if self._store else 0)

    def submit(self, endpoint: Endpoint, tasks: Iterable[Task]) -> list[Task]:
        """Queue tasks of one endpoint; gives back those claimed before it was put on hold."""
        tasks = list(tasks)
        if tasks[0].lease.claimed <= self._held.get(endpoint.id, -inf):
            self.taken += len(tasks)
            return tasks
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(endpoint)
        lane.update(endpoint)
        if not lane.waiting:
            self._ready.append(lane)
        lane.waiting.extend(tasks)
        return []

    def hold(self, endpoint_id: int, moment: float) -> list[Task]:
        """Drop what waits for an endpoint and was claimed before `moment`; gives it back.

        A claim sent later knows the database's word by itself: until when it holds, is not known
        here. One that was sent earlier may be on its way: `submit` gives it back.
        """
        self._held[endpoint_id] = moment
        lane = self._lanes.get(endpoint_id)
        tasks = [task for task in lane.waiting if task.lease.claimed <= moment] if lane else []
        if lane is None or not tasks:
            return []
        lane.waiting = deque(task for task in lane.waiting if task.lease.claimed > moment)
        if not lane.waiting:
            self._ready.remove(lane)
        self.taken += len(tasks)
        return tasks

    def slow(self, seconds: float) -> tuple[list[int], int]:
        """Give the endpoints whose next task was claimed that long ago, and how many wait there.

        Safe to call from another thread.
        """
        before = monotonic() - seconds
        numbers, waiting = [], 0
        for number, lane in list(self._lanes.items()):
            try:
                if lane.waiting[0].lease.claimed < before:
                    numbers.append(number)
                    waiting += len(lane.waiting)
            except IndexError:  # nothing waits, or no longer
                continue
        return numbers, waiting

    def withdraw(self) -> list[Task]:
        """Give back all tasks that wait to be sent."""
        tasks = [task for lane in self._lanes.values() for task in lane.waiting]
        for lane in self._lanes.values():
            lane.waiting.clear()
        self._ready.clear()
        self._desk.abandon()
        self.taken += len(tasks)
        return tasks

    def interrupt(self) -> None:
        """Break off all calls under way; each is reported as interrupted."""
        for call in list(self._active):
            self._finish(call, pycurl.E_ABORTED_BY_CALLBACK, "broken off: the runner is stopping")
        for lane, task, problem in self._sign_ons.interrupt():
            self._deliver(task, report(task, lane.endpoint, problem))

    def close(self) -> None:
        """Close all connections."""
        self._multi.close()

    def pump(self, wake: Wakeup, timeout: float, sending: bool = True) -> None:
        """Start what may start, move bytes, deliver results; else wait.

        Parameters: `wake` ends the wait early; `timeout` longest wait in seconds;
        `sending` false starts nothing new.
        """
        if self._store:
            self._tend(self._store)
        blocked = not sending or self._start_ready()
        calling = bool(self._active or self._desk or self._sign_ons)
        if calling:
            self._multi.perform()
            if failpoint.hit is not None:
                self._hit_mid_send(failpoint.hit)
            if self._reap():
                return
            if self._look_at < inf and monotonic() >= self._look_at:
                self._look()
                return
        if not blocked and self._ready and self._free:
            return
        if blocked and self._ready:
            timeout = min(timeout, 0.05)
        readable, writable, exceptional = ([], [], [])
        if calling:
            readable, writable, exceptional = self._multi.fdset()
            due = self._multi.timeout()
            if due >= 0:
                timeout = min(timeout, due / 1000)
            timeout = min(timeout, max(self._look_at - monotonic(), 0.0))
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
            head = waiting[0]
            if head.not_before > now:
                self._paced_until = min(self._paced_until, head.not_before)
            if (
                lane.under_way >= self._per_endpoint
                or head.not_before > now
                or head.lease.until - now < self._margin
                or (lane.tokens.grant is not None and self._desk.holds_back(lane.tokens, now))
            ):
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
        problem, token = lane.endpoint.problem, None
        if lane.tokens.grant is not None and lane.tokens.grant.personal:
            problem = problem or self._sign_ons.begin(lane, task, now)
            if problem is None:
                self._free -= 1
                lane.under_way += 1
                return
        elif lane.tokens.grant is not None:
            problem, token = problem or lane.tokens.problem(now), lane.tokens.usable(now)
        self._dial(lane, task, problem, token, now)

    def _dial(
        self, lane: Lane, task: Task, problem: Unusable | None, token: Token | None, now: float
    ) -> None:
        if problem is not None:
            self._deliver(task, report(task, lane.endpoint, problem))
            return
        if task.download_bytes is not None and self._store:
            call: Call = Download(lane.endpoint, task, self._store)
        else:
            call = lane.take(task.method)
        try:
            call.prepare(task, token)
        except Unusable as problem:
            self._deliver(task, report(task, lane.endpoint, problem))
            lane.give_back(call)
            return
        self._multi.add_handle(call.curl)
        self._active.add(call)
        call.look_at = now + deadlines.first_look(call)
        self._look_at = min(self._look_at, call.look_at)
        self._free -= 1
        lane.under_way += 1

    def _reap(self) -> bool:
        """Deliver the calls that ended. Gives whether there were any."""
        any_ended = False
        while True:
            queued, succeeded, failed = self._multi.info_read()
            for curl, code, message in (*((curl, 0, "") for curl in succeeded), *failed):
                if curl.call in self._sign_ons:
                    lane, task, problem, token = self._sign_ons.finish(curl.call, code, message)
                    self._free += 1
                    lane.under_way -= 1
                    self._dial(lane, task, problem, token, monotonic())
                elif isinstance(curl.call, TokenCall):
                    self._desk.finish(curl.call, code, message)
                else:
                    self._finish(curl.call, code, message)
            any_ended = any_ended or bool(succeeded or failed)
            if not queued:
                return any_ended

    def _look(self) -> None:
        """End the calls that are past a deadline which libcurl does not keep."""
        self._look_at = inf
        now = monotonic()
        for call in list(self._active):
            if call.look_at <= now:
                started = call.task.started
                due, problem = deadlines.look(call, now - started)
                if problem:
                    self._finish(call, pycurl.E_OPERATION_TIMEDOUT, problem)
                    continue
                call.look_at = started + due
            self._look_at = min(self._look_at, call.look_at)

    def _finish(self, call: Call, code: int, message: str) -> None:
        result: dict[str, Any] = call.result(code, message)
        self._multi.remove_handle(call.curl)
        self._active.discard(call)
        self._marked.discard(call)
        self._free += 1
        lane = self._lanes[call.endpoint.id]
        lane.under_way -= 1
        task, token = call.task, call.token
        lane.give_back(call)
        if token is not None and result.get("status_code") == UNAUTHORIZED:
            now = monotonic()
            # once, with another token; and not sent twice at once: the receiver said no
            if (
                lane.tokens.refused(token, now)
                and not (task.unauthorized or task.lost)
                and task.lease.claimed > self._held.get(call.endpoint.id, -inf)
            ):
                task.unauthorized = True
                self._again(lane, task)
                return
        if failpoint.hit is not None and 200 <= result.get("status_code", 0) < 300:
            failpoint.hit("after_reply")
        if isinstance(call, Download) and call.whole and "error_kind" not in result:
            call.store.finish(call.file, result)
            return
        self._deliver(task, result)

    def _again(self, lane: Lane, task: Task) -> None:
        """Have a task sent before all others of its endpoint."""
        if not lane.waiting:
            self._ready.append(lane)
        lane.waiting.appendleft(task)
        self.taken -= 1

    def _tend(self, store: Store) -> None:
        """Deliver what was stored; let calls go on that waited for room."""
        while (done := store.taken()) is not None:
            self._deliver(*done)
        while store.waiting and not store.full:
            call = store.waiting.pop()
            if call in self._active:
                call.curl.pause(pycurl.PAUSE_CONT)

    def _hit_mid_send(self, hit: Callable[[str], None]) -> None:
        """Reach the fail point once for each request whose bytes are out and unanswered."""
        for call in self._active - self._marked:
            if call.curl.getinfo(pycurl.REQUEST_SIZE) and not call.lines:
                self._marked.add(call)
                hit("mid_send")
