"""Lets a server find a folder with our extension, without writing into its own."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from pg_artery.servers import Server

# they look for the server's files beside themselves, symbolic links resolved
REAL = ("postgres", "initdb", "pg_ctl")


def server_with(server: Server, extension: Path, root: Path) -> Server:
    """Give a copy of the server below `root`, of links as far as may be, that has the extension.

    Before PostgreSQL 18, which has extension_control_path, a server looks in its own folder only:
    the one at the same place beside its programs as it was built with.
    """
    base = Path(os.path.commonpath((server.bindir, server.sharedir, server.pkglibdir)))
    bindir = _mirror(base, server.bindir, root)
    for program in REAL:
        (bindir / program).unlink()
        shutil.copy(server.bindir / program, bindir / program)
    folder = _mirror(base, server.sharedir / "extension", root)
    for file in extension.iterdir():
        (folder / file.name).symlink_to(file)
    return replace(server, bindir=bindir, sharedir=folder.parent)


def _mirror(base: Path, target: Path, root: Path) -> Path:
    """Make `target` a folder of links below `root`, and everything beside its path a link."""
    here, there = root, base
    for name in (*target.relative_to(base).parts, None):
        if here.is_symlink():
            here.unlink()
        here.mkdir(parents=True, exist_ok=True)
        for entry in there.iterdir():
            if not os.path.lexists(here / entry.name):
                (here / entry.name).symlink_to(entry)
        if name:
            here, there = here / name, there / name
    return here
