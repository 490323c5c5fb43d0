"""The demo's processes: the MES and the runners, real ones, ended whatever happens to the demo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import IO, cast

from pg_artery.demo import DemoError
from pg_artery.demo.mes import BASE_PATH
from pg_artery.demo.record import Receipt, read_record


class Child:
    """A process of ours in a session of its own, which Ctrl-C in the terminal does not reach."""

    def __init__(self, arguments: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pg_artery.demo.child", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | (env or {}),
                start_new_session=True,
            )
        self._out = cast("IO[bytes]", self._process.stdout)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def first_line(self) -> str:
        """Wait for the first line of output. Errors: DemoError with its log if it ended."""
        line = self._out.readline().decode().strip()
        if not line:
            self.stop(signal.SIGKILL)
            raise DemoError(f"a process did not start: {self.log.read_text(errors='replace')}")
        return line

    def stop(self, how: signal.Signals = signal.SIGTERM, patience: float = 10.0) -> int:
        """End it and wait; killed outright after `patience` seconds. Gives the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._out.close()
        return self._process.returncode


class Service:
    """A system outside: started, stopped, started again on the port and with the record it had.

    :param module: takes PORT and RECORD and prints its port; see pg_artery.demo.mes
    """

    def __init__(self, module: str, directory: Path) -> None:
        self._module = module
        name = module.rpartition(".")[2]
        self.record = directory / f"{name}.jsonl"
        self._log = directory / f"{name}.log"
        self._child: Child | None = None
        self._port = 0
        self.start()

    @property
    def base_url(self) -> str:
        """What the endpoint calls."""
        return f"http://127.0.0.1:{self._port}{BASE_PATH}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._child = Child([self._module, str(self._port), str(self.record)], self._log)
        self._port = int(self._child.first_line())

    def stop(self) -> None:
        """Stop it; a second call does nothing."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def tell(self, what: str, value: str) -> None:
        """Have it behave otherwise from now on."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/{what}", data=value.encode(), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310  # nosec B310
            pass


class DemoMes(Service):
    """The MES."""

    def __init__(self, directory: Path) -> None:
        super().__init__("pg_artery.demo.mes", directory)

    @property
    def receipts(self) -> list[Receipt]:
        """All that it has received so far, by its own record."""
        return read_record(self.record)

    def answer_after(self, seconds: float) -> None:
        """Have it answer that much later from now on."""
        self.tell("delay", json.dumps(seconds))


def start_runner(dsn: str, name: str, lease: float, directory: Path) -> Child:
    """Start `artery run` as anybody would, its log beside the MES's.

    :param lease: seconds, see `artery run --help`
    """
    arguments = ["pg_artery", "run", "--name", name, "--lease", str(lease), "--log-format", "json"]
    return Child(arguments, directory / f"{name}.log", {"ARTERY_DSN": dsn})
