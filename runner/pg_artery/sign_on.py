"""Tokens about one user, each for one call: fetched for it, used by it, kept by nobody.

The task names the user in the header `artery-subject`, which is not sent. Any number of users sign
on side by side: a slow answer to one keeps no other waiting.
"""

from __future__ import annotations

from time import monotonic

import orjson
import pycurl

from pg_artery.endpoint import SUBJECT, Unusable
from pg_artery.lane import Lane
from pg_artery.tokens import Token, TokenCall, TokenKeeper
from pg_artery.work import Task


class SignOns:
    """The token requests under way, each with the task that waits for it."""

    def __init__(self, multi: pycurl.CurlMulti) -> None:
        self._multi = multi
        self._waiting: dict[TokenCall, tuple[Lane, Task]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, call: object) -> bool:
        return call in self._waiting

    def begin(self, lane: Lane, task: Task, now: float) -> Unusable | None:
        """Ask for a token for `task`; gives the problem if none can be asked for."""
        user = orjson.loads(task.headers).get(SUBJECT) if task.headers else None
        if not user:
            return Unusable(
                "bad_request", f"the task names no user: header {SUBJECT!r}, by auth.subject_from"
            )
        keeper = TokenKeeper(lane.endpoint, user)
        call = keeper.ask(now)
        if call is None:
            return keeper.problem(now)
        self._multi.add_handle(call.curl)
        self._waiting[call] = (lane, task)
        return None

    def finish(
        self, call: TokenCall, code: int, message: str
    ) -> tuple[Lane, Task, Unusable | None, Token | None]:
        """Take in the end of a request: lane, task, and its token or why there is none."""
        lane, task = self._waiting.pop(call)
        self._multi.remove_handle(call.curl)
        call.keeper.settle(call, code, message)
        now = monotonic()
        return lane, task, call.keeper.problem(now), call.keeper.usable(now)

    def interrupt(self) -> list[tuple[Lane, Task, Unusable]]:
        """Break off all requests: nothing was sent of their tasks."""
        broken = Unusable("token", "no token: broken off, the runner is stopping")
        ended = [(lane, task, broken) for lane, task in self._waiting.values()]
        for call in self._waiting:
            self._multi.remove_handle(call.curl)
        self._waiting.clear()
        return ended
