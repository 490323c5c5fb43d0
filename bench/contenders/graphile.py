"""graphile-worker (npm)."""

from __future__ import annotations

from bench.contenders.base import PAD, Contender
from bench.installs import node_program


class Graphile(Contender):
    """Deletes a job when it is done, so done means that the table is empty."""

    name = "graphile-worker"
    table = "graphile_worker._private_jobs"

    def command(self) -> list[str]:
        return node_program(self.build, "graphile.mjs", self.options())

    def insert(self, count: int) -> None:
        self.producer.execute(
            """
            select count(graphile_worker.add_job(
                'deliver', json_build_object('id', lpad(n::text, 5, '0'), 'pad', repeat('x', %s))))
            from generate_series(1, %s) as n
            """,
            (PAD, count),
        )

    def finished(self) -> bool:
        return not self.value("select exists (select from graphile_worker._private_jobs)")

    def progress(self) -> int:
        left: int = self.value("select count(*) from graphile_worker._private_jobs")
        return self.filled - left

    def tidy(self) -> None:
        self.producer.execute("delete from graphile_worker._private_jobs")
        super().tidy()
