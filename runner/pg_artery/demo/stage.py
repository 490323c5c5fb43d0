"""What the demo plays on: a throwaway cluster, the pump maker's data, its MES, its runners."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from pg_artery.cluster import Cluster
from pg_artery.demo import DemoError
from pg_artery.demo.processes import Child, DemoMes, Service, start_runner
from pg_artery.migrate import MigrateResult, migrate

DATABASE = "artery_demo"
CHANNEL = "mes_sync_channel"
#: login role -> the role of pg_artery that it has; each does its own job and nothing else
LOGINS: dict[LiteralString, LiteralString] = {
    "demo_erp": "artery_app",
    "demo_admin": "artery_admin",
    "demo_runner": "artery_runner",
}
_HERE = Path(__file__).parent

Row = dict[str, Any]
T = TypeVar("T")


def _queries() -> dict[str, str]:
    """Read the statements of all files here by their names."""
    parts = [part for file in _HERE.glob("*.sql")
             for part in file.read_text().split("-- name: ")[1:]]  # fmt: skip
    named = (part.partition("\n") for part in parts)
    return {name.strip(): text for name, _, text in named}


class Stage:
    """A context manager: all of it is up inside the block, and gone after it.

    :param lease: of the runners, in seconds
    """

    #: the tax gateway, once an act has started it
    tax_cloud: Service

    def __init__(self, lease: float) -> None:
        self.lease = lease
        self.cluster = Cluster(settings={"track_commit_timestamp": "on"}, cron_database=None)
        self.dsn = ""
        #: (order, version) that a committed transaction gave back to the application
        self.told: list[tuple[str, int]] = []
        self._queries = _queries()
        self._exits = contextlib.ExitStack()
        self._runners: list[Child] = []

    def __enter__(self) -> Stage:
        with contextlib.ExitStack() as exits:
            self._exits = exits
            exits.enter_context(self.cluster)
            # inside the cluster's: it goes with it, after kill -9 too
            self.directory = self.cluster.path / "demo"
            self.directory.mkdir()
            exits.callback(self._stop_runners)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._exits.close()

    # -- set-up ---------------------------------------------------------------------------------

    def install(self) -> MigrateResult:
        """Create the database and its logins, migrate."""
        self.dsn = self.cluster.create_database(DATABASE)
        result = migrate(self.dsn)
        for login, role in LOGINS.items():
            self.cluster.execute(
                sql.SQL("create role {} login; grant {} to {}").format(
                    sql.Identifier(login), sql.Identifier(role), sql.Identifier(login)
                )
            )
        self.erp = self._connect("demo_erp")
        self.admin = self._connect("demo_admin")
        self.listener = self._connect("demo_admin")
        self.listener.execute(sql.SQL("listen {}").format(sql.Identifier(CHANNEL)))
        return result

    def load_master_data(self) -> None:
        """Load the pump maker's items, BOMs and planned orders, as the ERP's own role."""
        with self.erp.transaction():
            self.erp.execute((_HERE / "master_data.sql").read_text())

    def start_mes(self) -> int:
        """Start the MES and tell the database where it is. Gives the endpoint's id."""
        self.mes = DemoMes(self.directory)
        self._exits.callback(self.mes.stop)
        row = self.admin.execute("select artery_mes.setup_mes(%s)", [self.mes.base_url]).fetchone()
        return int(row["setup_mes"]) if row else 0

    def start_runner(self) -> Child:
        """Start one more `artery run`."""
        name = f"demo-{len(self._runners) + 1}"
        dsn = make_conninfo(self.dsn, user="demo_runner")
        self.runner = start_runner(dsn, name, self.lease, self.directory)
        self._runners.append(self.runner)
        return self.runner

    def partner(self, login: LiteralString, *grants: LiteralString) -> psycopg.Connection[Row]:
        """Make a login for a system outside, run what gives it its rights, connect with it."""
        with psycopg.connect(self.dsn, autocommit=True) as owner:
            for statement in ("create role {} login nosuperuser noinherit", *grants):
                owner.execute(sql.SQL(statement).format(sql.Identifier(login)))
        return self._connect(login)

    def on_exit(self, end: Callable[[], object]) -> None:
        """Have something that an act started ended with the stage."""
        self._exits.callback(end)

    def _stop_runners(self) -> None:
        for runner in self._runners:
            runner.stop()

    def _connect(self, user: str) -> psycopg.Connection[Row]:
        connection = psycopg.connect(
            make_conninfo(self.dsn, user=user), autocommit=True, row_factory=dict_row
        )
        self._exits.callback(connection.close)
        return connection

    # -- during the play ------------------------------------------------------------------------

    def change(self, query: str, **values: Any) -> tuple[float, Row]:
        """Run a statement of the ERP in a transaction of its own.

        :returns: when it was committed, by the server's own record, in seconds since 1970; its row
        """
        row = self._one(self.erp, query, values)
        version = row["answer"]["version"] if "answer" in row else row["version"]
        self.told.append((values["mo_no"], version))
        return float(self._one(self.erp, "committed_at", {"xid": row["xid"]})["at"]), row

    def look(self, query: str, **values: Any) -> list[Row]:
        """Read, as an operator would."""
        return self.admin.execute(self._queries[query], values).fetchall()

    def ask(self, query: str, **values: Any) -> Row:
        """Run a statement of the ERP that gives one row."""
        return self._one(self.erp, query, values)

    def _one(self, connection: psycopg.Connection[Row], query: str, values: Row) -> Row:
        row = connection.execute(self._queries[query], values).fetchone()
        if row is None:
            raise DemoError(f"{query} with {values} gave no row")
        return row

    def seen(self, connection: psycopg.Connection[Row]) -> dict[str, int]:
        """Count what that connection's role sees of orders and shipping notices."""
        rows = connection.execute(self._queries["seen"]).fetchall()
        return {row["relation"]: row["rows"] for row in rows}

    def notifications(self) -> list[str]:
        """Give what came over the channel since the last call."""
        return [note.payload for note in self.listener.notifies(timeout=0.05)]

    def wait(self, what: str, ready: Callable[[], T], seconds: float = 30) -> T:
        """Wait until `ready` gives something true, and give that.

        Errors: DemoError after `seconds` or if the runner ended, with the end of its log.
        """
        until = time.monotonic() + seconds
        while not (found := ready()):
            if time.monotonic() > until or not self.runner.alive:
                log = self.runner.log.read_text(errors="replace")
                raise DemoError(f"waited for {what}; the runner's last words:\n{log[-2000:]}")
            time.sleep(0.02)
        return found

    def wait_sent(self, orders: Sequence[str], seconds: float = 30) -> list[Row]:
        """Wait until all tasks of these orders are recorded as sent; gives them."""

        def sent() -> list[Row]:
            tasks = self.look("tasks", orders=list(orders))
            return tasks if all(task["status"] == "sent" for task in tasks) else []

        return self.wait(f"{', '.join(orders)} to be sent", sent, seconds)
