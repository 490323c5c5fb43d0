"""A pgbouncer of a test's own, in transaction mode."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pg_artery.cluster import Cluster


@contextmanager
def pgbouncer(
    cluster: Cluster, dsn: str, directory: Path, users: Sequence[str] = (), pool_size: int = 4
) -> Iterator[str]:
    """Give a connection string to the database of `dsn` through it.

    :param users: may log in beside the superuser of `dsn`
    :param pool_size: server connections for each user
    """
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # the socket's directory is closed to the user that pgbouncer runs as
    parts = conninfo_to_dict(cluster.dsn(conninfo_to_dict(dsn)["dbname"], tcp=True))
    server = " ".join(f"{k}={parts[k]}" for k in ("host", "port", "dbname"))
    known = directory / "users.txt"
    password = parts.get("password", "")
    known.write_text("".join(f'"{user}" "{password}"\n' for user in (parts["user"], *users)))
    settings = directory / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\npooled = {server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {known}\n"
        f"pool_mode = transaction\ndefault_pool_size = {pool_size}\n"
    )
    # it refuses to run as root, and pytest's directory is closed to others
    for path in (known, settings, *directory.parents[:2], directory):
        path.chmod(0o755)
    user = ["-u", "nobody"] if Path("/proc/self").stat().st_uid == 0 else []
    with (directory / "pgbouncer.log").open("w") as log:
        process = subprocess.Popen([program, *user, str(settings)], stdout=log, stderr=log)
    url = make_conninfo(host="127.0.0.1", port=port, dbname="pooled", user=parts["user"])
    deadline = time.monotonic() + 10
    try:
        while True:
            try:
                psycopg.connect(url, connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail((directory / "pgbouncer.log").read_text())
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)
