"""Child processes that speak one JSON object a line and end with their parent; their CPU time."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ChildError(RuntimeError):
    """A child ended, or answered with an error."""


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies, however that dies (a preexec_fn)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A process in a session of its own, so that a Ctrl-C reaches it only through `stop`."""

    def __init__(
        self,
        command: list[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        quiet: bool = False,
    ) -> None:
        self._name = Path(command[0]).name
        self._log = log
        errors = log.open("ab") if log else None
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            stdin=subprocess.PIPE,
            # whoever does not read a child's lines must not let it block on them
            stdout=(errors or subprocess.DEVNULL) if quiet else subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            preexec_fn=die_with_parent,
            text=True,
        )
        if errors:
            errors.close()

    def expect(self, event: str) -> dict[str, Any]:
        """Read lines until the named event; `ChildError` if the child ends or fails first."""
        assert self.process.stdout
        for line in self.process.stdout:
            if not line.startswith("{"):
                continue
            message: dict[str, Any] = json.loads(line)
            if message["event"] == event:
                return message
            if message["event"] == "error":
                raise ChildError(f"{self._name}: {message['message']}")
        tail = self._log.read_text()[-2000:] if self._log and self._log.exists() else ""
        raise ChildError(f"{self._name} ended before '{event}'\n{tail}")

    def tell(self, line: str) -> dict[str, Any]:
        """Send a command line and wait for its echo."""
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.expect(line.split(" ")[0])

    def stop(self, patience: float = 10.0) -> None:
        """SIGTERM, then after `patience` seconds SIGKILL to the child's whole process group."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system CPU time of the living processes, with that of their reaped children."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[11:15])
    return total / _TICK
