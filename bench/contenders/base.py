"""What a workload may ask of a queue under test, ours or a peer's."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from bench.child import Child

# {"id":"00001","pad":"…"} comes to 500 bytes with an id of five digits and this padding
PAD = 477


class Contender(ABC):
    """A queue in a database of its own, with worker processes that make its schema as they start.

    The fill stays in an open transaction until `commit`, so the start signal of a run is the
    commit of work for a worker that is up, connected and warm: process start counts for nobody.
    """

    name: str
    table: LiteralString
    settings: dict[str, Any]

    def __init__(self, dsn: str, url: str, build: Path, settings: dict[str, Any]) -> None:
        self.dsn = dsn
        self.url = url
        self.build = build
        self.settings = settings
        self.children: list[Child] = []
        self.filled = 0
        self.producer = psycopg.connect(dsn, autocommit=True)

    @abstractmethod
    def command(self) -> list[str]:
        """How to start one worker process."""

    @abstractmethod
    def insert(self, count: int) -> None:
        """Insert `count` tasks in the open transaction of `producer`."""

    def insert_one(self, number: int) -> None:
        """Insert one task whose id is `number`; only where a workload asks for it."""
        raise NotImplementedError(f"{self.name} takes part in no workload that needs this")

    @abstractmethod
    def finished(self) -> bool:
        """Whether no task is left to do; cheap enough to ask every few milliseconds."""

    @abstractmethod
    def progress(self) -> int:
        """How many tasks are recorded done since the last fill."""

    def options(self) -> str:
        """The argument that the peers' programs take."""
        return json.dumps({"dsn": self.dsn, "url": self.url, "settings": self.settings, "pad": PAD})

    def start(self) -> None:
        """Start the worker processes and wait until each says that it is up."""
        for number in range(self.settings.get("processes", 1)):
            log = self.build / f"{self.name}-{number}.log"
            self.children.append(Child(self.command(), log=log))
            self.children[-1].expect("ready")

    def stop(self) -> None:
        """End the worker processes."""
        while self.children:
            self.children.pop().stop()

    def close(self) -> None:
        """End everything that this object holds."""
        self.stop()
        self.producer.close()

    def tidy(self) -> None:
        """Leave no debt of an earlier run to the next one."""
        self.producer.execute("vacuum")
        self.producer.execute("checkpoint")

    def fill(self, count: int) -> None:
        """Put `count` tasks into an open transaction.

        The table is analysed in it: between runs it is empty, and plans made for an empty table
        (joins without an index) would measure the luck of the planner, not the queue.
        """
        self.producer.execute("begin")
        self.insert(count)
        self.producer.execute(f"analyze {self.table}")
        self.filled = count

    def commit(self) -> float:
        """Commit the fill; monotonic seconds of the moment before."""
        began = time.monotonic()
        self.producer.execute("commit")
        return began

    def value(self, query: LiteralString, *parameters: object) -> Any:
        """First column of the first row."""
        row = self.producer.execute(query, parameters).fetchone()
        return row[0] if row else None
