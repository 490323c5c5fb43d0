"""pg-boss (npm)."""

from __future__ import annotations

import time

from bench.contenders.base import Contender
from bench.installs import node_program


class PgBoss(Contender):
    """Its first worker process is also its producer: pg-boss has no SQL interface to insert by."""

    name = "pg-boss"
    table = "pgboss.job"

    def command(self) -> list[str]:
        return node_program(self.build, "pgboss.mjs", self.options())

    def insert(self, count: int) -> None:
        raise NotImplementedError

    def fill(self, count: int) -> None:
        self.children[0].tell(f"fill {count}")
        self.filled = count

    def commit(self) -> float:
        began = time.monotonic()
        self.children[0].tell("commit")
        return began

    def finished(self) -> bool:
        return not self.value(
            "select exists (select from pgboss.job where name = 'deliver' and state < 'completed')"
        )

    def progress(self) -> int:
        left: int = self.value(
            "select count(*) from pgboss.job where name = 'deliver' and state < 'completed'"
        )
        return self.filled - left

    def tidy(self) -> None:
        self.producer.execute("delete from pgboss.job where name = 'deliver'")
        super().tidy()
