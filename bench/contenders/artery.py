"""pg_artery itself: the real command, every call logged."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.child import Child, ChildError
from bench.contenders.base import PAD, Contender

_START_LIMIT = 30.0


class Artery(Contender):
    """`artery run` on its own database; done means status `sent` and one row in the cloud log a task."""

    name = "pg_artery"
    table = "artery.integration_task"

    def __init__(self, dsn: str, url: str, build: Path, settings: dict[str, Any]) -> None:
        super().__init__(dsn, url, build, settings)
        artery = Path(sys.executable).with_name("artery")
        self._command = [str(artery)]
        if not self.value("select to_regclass('artery.integration_task')"):
            subprocess.run(
                [*self._command, "migrate", "--dsn", dsn], check=True, capture_output=True
            )
            self.producer.execute(
                """
                with e as (
                    insert into artery.endpoint (name, base_url) values ('bench', %s) returning id
                )
                insert into artery.route (topic, endpoint_id, path_template)
                select 'bench.deliver', id, '/hook' from e
                """,
                (f"{url.rpartition('/')[0]}/v1",),
            )

    def command(self) -> list[str]:
        processes = str(self.settings["runner_processes"])
        return [*self._command, "run", "--dsn", self.dsn, "--processes", processes]

    def start(self) -> None:
        runners = self.settings["runner_processes"]
        self.children.append(Child(self.command(), log=self.build / "artery.log", quiet=True))
        deadline = time.monotonic() + _START_LIMIT
        asleep = "select count(*) from artery.runner where asleep and stopped_at is null"
        while self.value(asleep) < runners:
            if time.monotonic() > deadline or self.children[0].process.poll() is not None:
                raise ChildError(f"artery run did not come up: see {self.build / 'artery.log'}")
            time.sleep(0.02)

    def insert(self, count: int) -> None:
        self.producer.execute(
            """
            select count(artery.enqueue_task(
                'bench.deliver',
                jsonb_build_object('id', lpad(n::text, 5, '0'), 'pad', repeat('x', %s))))
            from generate_series(1, %s) as n
            """,
            (PAD, count),
        )

    def finished(self) -> bool:
        return not self.value(
            """
            select exists (
                select from artery.integration_task where status in ('pending', 'failed') and not queued
            ) or exists (
                select from artery.integration_task where status = 'processing'
            )
            """
        )

    def progress(self) -> int:
        """Tasks that are `sent` and have exactly one row in the cloud log."""
        done: int = self.value(
            """
            select count(*)
            from artery.integration_task as t
            where t.status = 'sent'
            and (select count(*) from artery.cloud_log as l where l.task_id = t.id) = 1
            """
        )
        return done

    def tidy(self) -> None:
        self.producer.execute("truncate artery.integration_task, artery.cloud_log cascade")
        super().tidy()
