"""A throwaway PostgreSQL cluster: for the demo, the tests and the benches.

It has a directory, a loopback port and a socket directory of its own, and goes when its owner
goes (see `cluster_dir`). It never touches a cluster that was there before.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pg_artery.cluster_dir import GuardedDir
from pg_artery.servers import ClusterError, Server, pick_server, unprivileged_user

SUPERUSER = "postgres"
StopMode = Literal["smart", "fast", "immediate"]

# A crash may cost what was committed: for tests that crash nothing.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_ARM_CLONE: LiteralString = """
do $$
begin
    if to_regprocedure('artery.arm(text, boolean, boolean)') is not null then
        perform artery.arm('clone in a throwaway cluster');
    end if;
end
$$"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A throwaway cluster; as a context manager it is up inside the block and gone after it.

    :param server: the PostgreSQL to run; None takes the best that the machine has
    :param durable: False turns fsync off, faster, for tests that crash nothing
    :param settings: lines for postgresql.conf, over the ones set here
    :param cron_database: database of pg_cron's jobs, where pg_cron is installed; None leaves
        pg_cron unloaded
    """

    def __init__(
        self,
        server: Server | None = None,
        *,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        cron_database: str | None = SUPERUSER,
    ) -> None:
        self.server = server or pick_server()
        self.has_cron = cron_database is not None and self.server.has_library("pg_cron")
        self._user = unprivileged_user()
        self._durable = durable
        self._cron_database = cron_database
        self._settings = dict(settings or {})
        self.password = secrets.token_urlsafe(18)
        self.port = 0
        self._dir: GuardedDir | None = None
        self._bindir = self.server.bindir

    def __enter__(self) -> Cluster:
        self.create()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The cluster's directory: `data/`, `log`, and the server's socket."""
        if self._dir is None:
            raise ClusterError("this cluster has not been created, or is gone")
        return self._dir.path

    @property
    def log(self) -> str:
        """All of the server's log so far."""
        file = self.path / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def postmaster_pid(self) -> int:
        """The pid of the running server's first process."""
        return int((self.path / "data" / "postmaster.pid").read_text().splitlines()[0])

    def create(self) -> None:
        """Make the directory, run initdb, start.

        :raises ClusterError: initdb or the start failed; the text carries the server's own words
        """
        self._dir = GuardedDir(in_memory=not self._durable)
        try:
            if self._user is not None:
                os.chown(self.path, self._user.pw_uid, self._user.pw_gid)
            self._bindir = self._reachable_bindir()
            self._initdb()
            self._start_on_free_port()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the server at once and remove everything. A second call does nothing."""
        if self._dir is not None:
            self._dir.close()
            self._dir = None

    def detach(self) -> Path:
        """Leave the server up past this process; gives its directory, for `cluster_dir.remove`."""
        path = self.path
        if self._dir is not None:
            self._dir.detach()
            self._dir = None
        return path

    def start(self) -> None:
        """Start the server again on its port, and wait until it answers (crash recovery too)."""
        self._pg_ctl("start", "-l", str(self.path / "log"), "-t", "120")

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server; the directory stays and `start` brings it back."""
        self._pg_ctl("stop", "-m", mode, "-t", "120")

    def crash(self) -> None:
        """Stop as a power cut would, without a checkpoint (`pg_ctl stop -m immediate`)."""
        self.stop("immediate")

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start again."""
        self.stop(mode)
        self.start()

    def dsn(self, dbname: str = SUPERUSER, user: str = SUPERUSER, *, tcp: bool = False) -> str:
        """Give a connection string.

        :param tcp: over 127.0.0.1 with the superuser's password, for clients that cannot use the
            Unix socket (other roles need a password of their own there); otherwise the socket,
            whose directory only this user and root can enter
        """
        if tcp:
            password = self.password if user == SUPERUSER else None
            return make_conninfo(
                host="127.0.0.1", port=self.port, user=user, password=password, dbname=dbname
            )
        return make_conninfo(host=str(self.path), port=self.port, user=user, dbname=dbname)

    def execute(self, statement: sql.Composed | LiteralString, dbname: str = SUPERUSER) -> None:
        """Run one statement as superuser in autocommit, on a connection of its own."""
        with psycopg.connect(self.dsn(dbname), autocommit=True) as connection:
            connection.execute(statement)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, by cloning `template` if given, and give its connection string.

        A clone that has pg_artery may send: the cluster is a throwaway, and so is what it calls.
        """
        clone = (
            sql.SQL(" template {}").format(sql.Identifier(template)) if template else sql.SQL("")
        )
        self.execute(sql.SQL("create database {}{}").format(sql.Identifier(name), clone))
        if template:
            self.execute(_ARM_CLONE, name)
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions in it."""
        self.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )

    @contextlib.contextmanager
    def database(self, name: str, template: str | None = None) -> Iterator[str]:
        """Have a database for the length of a block; gives its connection string."""
        dsn = self.create_database(name, template)
        try:
            yield dsn
        finally:
            self.drop_database(name)

    def run(self, program: str, *arguments: str) -> str:
        """Run one of the server's programs as the server's user and give its output.

        :raises ClusterError: it failed; the text carries its output
        """
        own = self._bindir / program
        return self._run([str(own if own.exists() else self.server.program(program)), *arguments])

    def _run(self, command: Sequence[str]) -> str:
        user = self._user
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                cwd=self.path,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                umask=0o077,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else [],
            )
        except OSError as error:
            raise ClusterError(f"{command[0]} cannot be run: {error}") from error
        if done.returncode != 0:
            raise ClusterError(f"{' '.join(command)} failed:\n{done.stdout.strip()}")
        return done.stdout

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        # pg_ctl hands its output to the server it starts: through a pipe we would wait for ever.
        command = [str(self._bindir / "pg_ctl"), action, "-w", "-D", str(self.path / "data")]
        script = 'out=$1; shift; exec "$@" >"$out" 2>&1 </dev/null'
        out = self.path / "pg_ctl.out"
        try:
            self._run(["/bin/sh", "-c", script, "sh", str(out), *command, *arguments])
        except ClusterError as error:
            said = out.read_text(errors="replace").strip() if out.exists() else ""
            tail = "\n".join(self.log.splitlines()[-20:])
            raise ClusterError(f"pg_ctl {action} failed:\n{said}\n{tail}") from error

    def _reachable_bindir(self) -> Path:
        """Give the server's programs, copied where root's home would keep its user from them."""
        bindir = self.server.bindir
        try:
            self._run([str(bindir / "postgres"), "--version"])
        except ClusterError:
            if self._user is None or self.server.kind == "system":
                raise
            # the wheel has its libraries beside the package
            package = bindir.parent.parent if self.server.kind == "embedded" else bindir.parent
            copied = self.path / "server"
            for part in (package, package.with_name(f"{package.name}.libs")):
                if part.exists():
                    shutil.copytree(part, copied / part.name, symlinks=True)
            return copied / package.name / bindir.relative_to(package)
        return bindir

    def _initdb(self) -> None:
        data = self.path / "data"
        command = ["initdb", "-D", str(data), "-U", SUPERUSER, "-E", "UTF8", "--no-sync"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256"]
        # Hosts need a password; initdb takes the first one from a file only.
        secret = self.path / "password"
        secret.write_text(self.password)
        if self._user is not None:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        try:
            self.run(*command, f"--pwfile={secret}", "--locale=C.UTF-8")
        finally:
            secret.unlink()
        with (data / "postgresql.conf").open("a") as conf:
            for name, value in self._configuration().items():
                quoted = value.replace("'", "''")
                conf.write(f"{name} = '{quoted}'\n")

    def _configuration(self) -> dict[str, str]:
        conf = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.path),
            "max_connections": "200",
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
        }
        if not self._durable:
            conf |= NOT_DURABLE
        if self.has_cron:
            # Background workers need no connection, hence no rule in pg_hba.conf.
            conf |= {
                "shared_preload_libraries": "pg_cron",
                "cron.database_name": str(self._cron_database),
                "cron.use_background_workers": "on",
                "max_worker_processes": "16",
            }
        return conf | self._settings

    def _start_on_free_port(self) -> None:
        """Another process may take the port between the look and the start: try a few times."""
        for attempt in range(5):
            self.port = _free_port()
            with (self.path / "data" / "postgresql.conf").open("a") as conf:
                conf.write(f"port = {self.port}\n")
            try:
                self.start()
            except ClusterError as error:
                if attempt == 4 or "could not bind" not in str(error):
                    raise
            else:
                return
