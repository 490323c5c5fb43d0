"""docs/runbook.md: what it says to type works, and every alarm that goes off has a section."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from documents import Reader, read_blocks
from psycopg.conninfo import conninfo_to_dict

from pg_artery.cli import main

pytestmark = pytest.mark.one_server

DOCUMENT = (Path(__file__).parents[2] / "docs/runbook.md").read_text()


def broken(conn: psycopg.Connection) -> None:
    """Make a dead, a held and a due task, and a rejected message."""
    conn.execute("call artery.tick()")
    conn.execute(
        "select artery.add_endpoint('carrier', 'http://127.0.0.1:9/api/v1', '{\"idempotent\": 0}')"
    )
    conn.execute("select artery.add_route('carrier.shipment', 'carrier', '/shipments')")
    for number in range(3):
        conn.execute(
            "select artery.enqueue_task('carrier.shipment', '{}', p_document_id => %s)",
            (f"S-100{number}",),
        )
    [(runner,)] = conn.execute("select artery.register_runner('r', 'h', 1, '0')").fetchall()
    claimed = conn.execute(
        "select id, attempt from artery.claim_tasks(%s, 2) order by id", (runner,)
    ).fetchall()
    ends: list[dict[str, object]] = [{"status_code": 422}, {"error_kind": "reset", "error": "cut"}]
    results = [
        end | {"id": task, "attempt": attempt, "span_id": "0" * 16, "url": "http://x", "ago_ms": 1}
        for (task, attempt), end in zip(claimed, ends, strict=True)
    ]
    conn.execute("select artery.report_results(%s, %s)", (runner, json.dumps(results)))
    conn.execute("select artery.set_endpoint('carrier', '{\"enabled\": false}')")
    conn.execute(
        "insert into artery_staging.plm_bom (message_id, body) values ('B-1', '{\"boms\": 7}')"
    )
    conn.execute("select artery_staging.process('artery_staging.plm_bom')")


def test_what_it_says_to_type_puts_things_right(
    conn: psycopg.Connection, dsn: str, tmp_path: Path
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("no jq, which one command of it needs")
    broken(conn)
    conn.execute("select artery.disarm('drill')")
    at = conninfo_to_dict(dsn)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PGHOST": str(at["host"]), "PGPORT": str(at["port"]), "ARTERY_DSN": dsn}
    reader = Reader(tmp_path, env | {"PATH": path}, str(at["dbname"]))
    blocks = read_blocks(DOCUMENT)
    assert len(blocks) >= 20
    for block in blocks:
        reader.follow(block)
    tasks = conn.execute(
        "select document_id, status from artery.integration_task order by 1"
    ).fetchall()
    assert tasks == [("S-1000", "pending"), ("S-1001", "sent"), ("S-1002", "pending")]
    [(history,)] = conn.execute("select history from artery_staging.plm_bom").fetchall()
    assert "conversion KG to PCE added" in json.dumps(history)


#: between backticks in a sentence: a command with arguments
INLINE = re.compile(r"`((?:artery|select|psql|curl|commit|rollback|systemctl|journalctl) [^`]*)`")
#: what only a service manager can do; that the units stand is checked in test_units.py
ALONE = ("doctor", "status", "verify")
SERVICES = re.compile(
    r"(systemctl (start|status)|journalctl -u) (artery-run|artery-monitor)( -n \d+)?$"
)


class World:
    """Gives each command of a sentence something to work on: what 4711, 12, STEP, INBOX, … mean."""

    def __init__(self, conn: psycopg.Connection, page: str) -> None:
        self._conn, self._page, self._n = conn, page, 0
        conn.execute("insert into artery.saga_definition (name) values ('s')")
        conn.execute(
            "insert into artery.saga_step (saga, position, name, topic) "
            "values ('s', 1, 'ship', 'carrier.shipment')"
        )
        conn.execute(
            "select artery.set_endpoint('carrier', %s)",
            (json.dumps({"enabled": True, "max_attempts": 1, "breaker_min_calls": 1000000}),),
        )
        conn.execute(
            "update artery.route set status_path_template = '/shipments/{request_id}' "
            "where topic = 'carrier.shipment'"
        )
        self.opened: list[psycopg.Connection] = []

    def _value(self, statement: str, *values: object) -> object:
        return self._conn.execute(statement.encode(), values).fetchone()[0]

    def _end(self, result: dict[str, object]) -> None:
        runner = self._value("select artery.register_runner('r', 'h', 1, '0')")
        for task, attempt in self._conn.execute(
            "select id, attempt from artery.claim_tasks(%s)", (runner,)
        ).fetchall():
            end = result | {"id": task, "attempt": attempt, "url": "http://x", "ago_ms": 1}
            told = json.dumps([end | {"span_id": "0" * 16}])
            self._conn.execute("select artery.report_results(%s, %s)", (runner, told))

    def task(self, status: str) -> object:
        """A task that is dead, or held: its receiver cannot be asked, until then."""
        self._n += 1
        number = self._value(
            "select artery.enqueue_task('carrier.shipment', '{}', p_document_id => %s)",
            f"W-{self._n}",
        )
        self._conn.execute(
            "update artery.route set status_path_template = null where topic = 'carrier.shipment'"
        )
        self._end({"status_code": 422} if status == "dead" else {"error_kind": "reset"})
        self._conn.execute(
            "update artery.route set status_path_template = '/shipments/{request_id}' "
            "where topic = 'carrier.shipment'"
        )
        return number

    def saga(self) -> object:
        """A saga whose step is unknown."""
        self._n += 1
        number = self._value("select artery.start_saga('s', '{}', p_key => %s)", f"S-{self._n}")
        self._conn.execute(
            "update artery.route set status_path_template = null where topic = 'carrier.shipment'"
        )
        self._end({"error_kind": "reset"})
        found = "select step_status from artery.saga_attention where saga_id = %s"
        assert self._value(found, number) == "unknown"
        return number

    def fill(self, command: str) -> str:
        """Put real things in the place of those that the sentence speaks of."""
        if "4711" in command and command.startswith("artery task"):
            held = "resolve" in command or "retry" in command
            command = command.replace("4711", str(self.task("held" if held else "dead")))
        if command.startswith("artery saga"):
            command = command.replace("12", str(self.saga())).replace("STEP", "ship")
        if "pg_terminate_backend" in command:
            session = psycopg.connect(self._conn.info.dsn)
            self.opened.append(session)
            command = command.replace("4711", str(session.info.backend_pid))
        if "pg_drop_replication_slot" in command:
            self._conn.execute("select pg_create_physical_replication_slot('gone_consumer')")
            command = command.replace("…", "gone_consumer")
        if " prepared " in command:
            self._conn.execute(
                "begin; create table if not exists public.p (); prepare transaction 'p'"
            )
            command = command.replace("…", "p")
        if command.startswith("artery arm --") and "--reason" in command:
            self._conn.execute("select artery.disarm('drill')")
            command += " --yes"
        if "INBOX ID" in command:
            command = command.replace("INBOX ID", "artery_staging.plm_bom 1")
        return command.replace("http://127.0.0.1:8765/", self._page).replace("…", "found out")


def type_in(command: str, env: dict[str, str], where: Path) -> tuple[int, str]:
    """Do what a shell would; artery alone, in this process: it need not start each time."""
    if command.startswith("artery ") and not set(command) & set("|;&$<>"):
        done = CliRunner().invoke(main, shlex.split(command)[1:], env=env)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output
    shell = subprocess.run(
        ["bash", "-c", command], env=env, cwd=where, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
    )  # fmt: skip
    return shell.returncode, shell.stdout


def test_what_its_sentences_say_to_type_works(
    conn: psycopg.Connection, dsn: str, tmp_path: Path
) -> None:
    """Each command between backticks is run, on what it speaks of; one without arguments exists."""
    bin_ = Path(sys.executable).parent
    env = {**os.environ, "ARTERY_DSN": dsn, "PATH": f"{bin_}:{os.environ['PATH']}"}
    page = subprocess.Popen(
        [str(bin_ / "artery"), "monitor", "--port", "0"], env=env, stdout=subprocess.PIPE, text=True
    )
    ran = 0
    try:
        broken(conn)
        assert page.stdout
        world = World(conn, page.stdout.readline().strip())
        for command in dict.fromkeys(INLINE.findall(DOCUMENT)):
            if SERVICES.match(command):
                continue
            filled = world.fill(command)
            words = command.split()
            if words[0] == "artery":
                named_alone = len(words) == 3 and words[1] not in ALONE
                filled += " --help" if named_alone else ""
            elif not command.startswith(("psql", "curl")):
                filled = f'psql -X -v ON_ERROR_STOP=1 -d "$ARTERY_DSN" -c "{filled}"'
            code, said = type_in(filled, env, tmp_path)
            # doctor, status and check say by their exit code what they found
            allowed = (0, 1) if words[1] in (*ALONE, "endpoint") else (0,)
            assert code in allowed, f"{filled}\n{said}"
            assert "Traceback" not in said
            ran += 1
        for session in world.opened:
            session.close()
    finally:
        page.terminate()
        page.wait(10)
    assert ran >= 20


def test_each_alarm_says_whether_it_wakes_somebody() -> None:
    sections = re.findall(r"^## (Artery\w+)\n\n\*(Page|Ticket)\. ", DOCUMENT, re.M)
    assert len(sections) == len(re.findall(r"^## Artery", DOCUMENT, re.M)) >= 11
    linked = set(re.findall(r"\]\(#(\w+)\)", DOCUMENT))
    assert linked <= {name.lower() for name, _ in sections}
