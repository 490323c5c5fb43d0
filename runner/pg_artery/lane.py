"""What the transport keeps of one endpoint."""

from __future__ import annotations

from collections import deque

from pg_artery.call import Call
from pg_artery.download import Download
from pg_artery.endpoint import Endpoint
from pg_artery.tokens import TokenKeeper
from pg_artery.work import Task


class Lane:
    """The tasks that wait for one endpoint, and its idle handles."""

    __slots__ = ("endpoint", "idle", "tokens", "under_way", "waiting")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.tokens = TokenKeeper(endpoint)
        self.waiting: deque[Task] = deque()
        self.idle: dict[str, list[Call]] = {}
        self.under_way = 0

    def update(self, endpoint: Endpoint) -> None:
        """Take a new version of the configuration; handles set up for the old one are dropped."""
        if endpoint is not self.endpoint:
            self.endpoint = endpoint
            self.tokens.update(endpoint)
            self.idle.clear()

    def take(self, method: str) -> Call:
        """Give a handle for this method."""
        idle = self.idle.get(method)
        return idle.pop() if idle else Call(self.endpoint, method)

    def give_back(self, call: Call) -> None:
        """Keep a handle for the next call."""
        if call.endpoint is self.endpoint and not isinstance(call, Download):
            call.reset()
            self.idle.setdefault(call.method, []).append(call)
