"""procrastinate (PyPI)."""

from __future__ import annotations

from pathlib import Path

from bench.contenders.base import PAD, Contender
from bench.installs import python_program


class Procrastinate(Contender):
    """Fetches and finishes one job a statement; has no batches to set."""

    name = "procrastinate"
    table = "procrastinate_jobs"

    def command(self) -> list[str]:
        program = Path(__file__).parent.parent / "peers/procrastinate_worker.py"
        return python_program(self.build, program, self.options())

    def insert(self, count: int) -> None:
        self.producer.execute(
            """
            select procrastinate_defer_jobs_v1(array_agg(
                ('default', 'deliver', 0, null, null,
                 jsonb_build_object('id', lpad(n::text, 5, '0'), 'pad', repeat('x', %s)), null
                )::procrastinate_job_to_defer_v1))
            from generate_series(1, %s) as n
            """,
            (PAD, count),
        )

    def finished(self) -> bool:
        return not self.value(
            "select exists (select from procrastinate_jobs where status in ('todo', 'doing'))"
        )

    def progress(self) -> int:
        left: int = self.value(
            "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
        )
        return self.filled - left

    def tidy(self) -> None:
        self.producer.execute("truncate procrastinate_jobs cascade")
        super().tidy()
