"""pg_artery itself: the real command, every call logged; also with all its policy switched on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any, LiteralString

from bench.child import Child, ChildError
from bench.contenders.base import PAD, Contender

_START_LIMIT_S = 30.0


class Artery(Contender):
    """`artery run`; done means status `sent` and exactly one row in the cloud log."""

    name = "pg_artery"
    table = "artery.integration_task"
    policy: LiteralString = ""

    def __init__(self, dsn: str, url: str, build: Path, settings: dict[str, Any]) -> None:
        super().__init__(dsn, url, build, settings)
        self._last_id = 0
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
                (url.rpartition("/")[0],),
            )
            if self.policy:
                self.producer.execute(self.policy)

    def command(self) -> list[str]:
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        return [*self._command, "run", "--dsn", self.dsn, *options]

    def start(self, *, idle: bool = True) -> None:
        """Start `artery run`; with `idle`, wait until each runner has found nothing to do."""
        log = self.build / "artery.log"
        self.children.append(Child(self.command(), log=log, quiet=True))
        deadline = time.monotonic() + _START_LIMIT_S
        asleep = "select count(*) from artery.runner where asleep and stopped_at is null"
        while idle and self.value(asleep) < self.settings["processes"]:
            if time.monotonic() > deadline or self.children[0].process.poll() is not None:
                raise ChildError(f"artery run did not come up:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)

    def insert(self, count: int) -> None:
        self._last_id = self.value("select coalesce(max(id), 0) from artery.integration_task")
        self.producer.execute(
            """
            select count(artery.enqueue_task(
                'bench.deliver',
                jsonb_build_object('id', lpad(n::text, 5, '0'), 'pad', repeat('x', %s))))
            from generate_series(1, %s) as n
            """,
            (PAD, count),
        )

    def insert_one(self, number: int) -> None:
        self.producer.execute(
            """
            select artery.enqueue_task(
                'bench.deliver',
                jsonb_build_object('id', lpad((%s)::text, 5, '0'), 'pad', repeat('x', %s)))
            """,
            (number, PAD),
        )

    def finished(self) -> bool:
        # newest first: while anything is left, it is among these
        return not self.value(
            """
            select exists (
                select from (select id, status from artery.integration_task order by id desc) as t
                where t.id > %s and t.status <> 'sent'
            )
            """,
            self._last_id,
        )

    def progress(self) -> int:
        """Tasks that are `sent` and have exactly one row in the cloud log."""
        done: int = self.value(
            """
            select count(*)
            from artery.integration_task as t
            where t.id > %s and t.status = 'sent'
            and (select count(*) from artery.cloud_log as l where l.task_id = t.id) = 1
            """,
            self._last_id,
        )
        return done

    def tidy(self) -> None:
        self.producer.execute("truncate artery.integration_task, artery.cloud_log cascade")
        super().tidy()


class Policed(Artery):
    """The same with limits that are counted but never reached: bucket, calls in flight, egress.

    The breaker and the dial-time guard are always on; here the guard has a list to go through.
    """

    name = "pg_artery-policed"
    policy = """
        insert into artery.egress_rule (endpoint, network, first_port, last_port)
        select e.name, '127.0.0.1', p.port, p.port
        from artery.endpoint as e,
            cast(substring(e.base_url from ':([0-9]+)/') as integer) as p (port);
        update artery.endpoint
        set rate_per_second = 1000000, burst = 1000000, max_in_flight = 1000000;
    """
