"""Tryton as docs/tryton.md sets it up, followed word by word.

What takes a minute, the packages and the fresh database, is made by the page's own commands once,
and kept in build/ for as long as these commands stay the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from documents import Block, Reader, read_blocks

from pg_artery.cluster import Cluster

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/tryton.md").read_text()
KEPT = ROOT / "build/tryton"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _packages(block: Block) -> Path:
    """Give the folder in which the page's installation was run; skips where that cannot be done."""
    folder = KEPT / hashlib.sha256(block.text.encode()).hexdigest()[:12]
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        script = ["bash", "-euo", "pipefail", "-c", block.text]
        done = subprocess.run(script, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"Tryton cannot be installed: {done.stderr.strip().splitlines()[-1]}")
        versions = subprocess.check_output([folder / "tryton/bin/pip", "freeze"])
        (folder / "done").write_bytes(versions)
    return folder


class Site:
    """A plant with Tryton, pg_artery and a MES, at the end of the page."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{cluster.server.bindir}:{os.environ['PATH']}",
            "PGHOST": str(cluster.path),
            "PGPORT": str(cluster.port),
        }
        self._reader = Reader(folder, self.env, "tryton")

    def follow_the_page(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        install, *blocks = read_blocks(re.sub("8081", port, PAGE))
        with _alone():
            packages = _packages(install)
            (self.folder / "tryton").symlink_to(packages / "tryton")
            self._database(blocks.pop(0), packages)
        for block in blocks:
            self._reader.follow(block)

    def _database(self, block: Block, packages: Path) -> None:
        """Run the block that makes the database, its last command only if nothing is kept of it."""
        assert "takes a minute" in block.notes
        kept = packages / f"{hashlib.sha256(block.text.encode()).hexdigest()[:12]}.sql"
        if kept.exists():
            before, _, _ = block.text.rpartition("\n")
            restore = f"{before}\npsql -q -U tryton -d tryton -o /dev/null -f {kept}"
            self._reader.follow(Block("sh", restore, block.line))
        else:
            self._reader.follow(block)
            self.sh(f"pg_dump -U tryton -d tryton -f {kept}.new && mv {kept}.new {kept}")

    def close(self) -> None:
        self._reader.close()

    def stop(self, name: str) -> None:
        """End what the page left running under this name."""
        self._reader.follow(Block("sh", "true", 0, {"stops": name}))

    def sh(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", command], cwd=self.folder, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
