"""Reads the fenced blocks of our documents and runs them as a reader would.

Before a block an HTML comment may say, separated by commas:
    as: ROLE          sql is run as this role (else as the one before)
    until it shows    sql is run again until the text that follows shows, 10 s at most;
                      until it shows: 60 is that many seconds
    fails             sql must raise
    stays up: NAME    sh goes on in the background under this name
    said by: NAME     text is what that one says, not the block before
    stops: NAME       ends it first
    needs: EXTENSION  left out where the server does not have it
    exits: N          sh ends with this exit code (else 0), and leaves no trace
    not run: WHY      left out
In a text block, … stands for anything; white space counts as one blank, and only its lines count.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(
    r"(?:<!-- (?P<notes>.*?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)\n```$", re.M | re.S
)


@dataclass
class Block:
    """One fenced block, with the comment before it and the text block after it."""

    kind: str
    text: str
    line: int
    notes: dict[str, str] = field(default_factory=dict)
    shows: str = ""


def read_blocks(document: str) -> list[Block]:
    """Give the blocks in order; a text block becomes what the one before it shows."""
    blocks: list[Block] = []
    for match in _BLOCK.finditer(document):
        parts = (note.partition(": ") for note in (match["notes"] or "").split(", "))
        notes = {name: value for name, _, value in parts if name}
        line = document.count("\n", 0, match.start()) + 1
        block = Block(match["kind"], match["text"], line, notes)
        if block.kind == "text" and "said by" not in notes:
            blocks[-1].shows = block.text
        else:
            blocks.append(block)
    return blocks


def missing_lines(expected: str, output: str) -> list[str]:
    """Give the lines of a text block that an output does not have in that order."""
    said = [" ".join(line.split()) for line in output.splitlines()]
    missing = []
    for wanted in expected.splitlines():
        parts = " ".join(wanted.split()).split("…")
        pattern = re.compile(".*".join(re.escape(part) for part in parts))
        found = next((n for n, line in enumerate(said) if pattern.fullmatch(line)), None)
        if found is None:
            missing.append(wanted)
        else:
            said = said[found + 1 :]
    return missing


class Reader:
    """Follows a document word by word, in a shell and in psql.

    :param directory: where the reader stands at first
    :param env: the environment that the reader has at first
    :param database: what psql connects to
    """

    def __init__(self, directory: Path, env: dict[str, str], database: str) -> None:
        self._directory, self._env, self._database = directory, dict(env), database
        self._role = "postgres"
        self._up: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def close(self) -> None:
        """End what still runs in the background."""
        for name in list(self._up):
            self._stop(name)

    def follow(self, block: Block) -> None:
        """Do what a block says, and check what it shows. Errors: AssertionError."""
        if "stops" in block.notes:
            self._stop(block.notes["stops"])
        if "said by" in block.notes:
            log = self._up[block.notes["said by"]][1]
            self._until(lambda: log.read_text(errors="replace"), block.text, block)
        elif "stays up" in block.notes:
            self._start(block.notes["stays up"], block.text)
        elif block.kind == "sh":
            self._check(self._shell(block), block)
        elif block.kind == "sql":
            self._role = block.notes.get("as", self._role)
            if "until it shows" in block.notes:
                self._until(lambda: self._psql(block), block.shows, block)
            else:
                self._check(self._psql(block), block)
        else:
            raise AssertionError(f"line {block.line}: a block of {block.kind} that nothing runs")

    def _check(self, output: str, block: Block) -> None:
        missing = missing_lines(block.shows, output)
        assert not missing, f"line {block.line}: not shown: {missing}\n{output}"

    def _until(self, look: object, expected: str, block: Block) -> None:
        seconds = float(block.notes.get("until it shows") or 10)
        deadline = time.monotonic() + seconds
        while missing_lines(expected, output := look()):  # type: ignore[operator]
            assert time.monotonic() < deadline, f"line {block.line}: in {seconds} s only:\n{output}"
            time.sleep(0.1)

    def _shell(self, block: Block) -> str:
        state = self._directory / f".state-{block.line}"
        script = f"{block.text}\npwd >{state}; env -0 >>{state}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self._directory, env=self._env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        wanted = int(block.notes.get("exits", 0))
        told = f"line {block.line}: exit {done.returncode}\n{done.stdout}"
        assert done.returncode == wanted, told
        if wanted:
            return done.stdout
        where, _, env = state.read_text().partition("\n")
        state.unlink()
        self._directory = Path(where)
        self._env = dict(pair.split("=", 1) for pair in env.split("\0") if "=" in pair)
        return done.stdout

    def _psql(self, block: Block) -> str:
        command = ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]
        done = subprocess.run(
            [*command, "-U", self._role, "-d", self._database],
            cwd=self._directory, env=self._env, input=block.text,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        failed = done.returncode != 0
        assert failed == ("fails" in block.notes), f"line {block.line}:\n{done.stdout}"
        return done.stdout

    def _start(self, name: str, command: str) -> None:
        log = self._directory / f".{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self._directory, env=self._env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._up[name] = process, log
        deadline = time.monotonic() + 10
        while not log.read_text().strip():
            assert process.poll() is None, f"{command}\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{command} said nothing for 10 s"
            time.sleep(0.05)

    def _stop(self, name: str) -> None:
        process, _ = self._up.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it left behind
