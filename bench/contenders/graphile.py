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
        # by add_jobs: the time of add_job calls grows with their square within a transaction
        self.producer.execute(
            """
            select count(*)
            from (
                select array_agg((
                    'deliver',
                    json_build_object('id', lpad(n::text, 5, '0'), 'pad', repeat('x', %s)),
                    null, null, null, null, null, null
                )::graphile_worker.job_spec) as specs
                from generate_series(1, %s) as n
                group by n / 1000
            ) as batch
            cross join graphile_worker.add_jobs(batch.specs)
            """,
            (PAD, count),
        )

    def insert_one(self, number: int) -> None:
        self.producer.execute(
            """
            select from graphile_worker.add_job(
                'deliver',
                json_build_object('id', lpad((%s)::text, 5, '0'), 'pad', repeat('x', %s)))
            """,
            (number, PAD),
        )

    def finished(self) -> bool:
        return not self.value("select exists (select from graphile_worker._private_jobs)")

    def progress(self) -> int:
        left: int = self.value("select count(*) from graphile_worker._private_jobs")
        return self.filled - left

    def tidy(self) -> None:
        self.producer.execute("delete from graphile_worker._private_jobs")
        super().tidy()
