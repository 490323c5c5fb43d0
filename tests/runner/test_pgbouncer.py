"""Behind pgbouncer in transaction mode a runner delivers as it does without."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

pytestmark = pytest.mark.one_server


@pytest.fixture
def pooled(cluster, dsn, tmp_path):
    """The test's database through a pgbouncer of our own with four server connections."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # the socket's directory is closed to the user that pgbouncer runs as
    parts = conninfo_to_dict(cluster.dsn(conninfo_to_dict(dsn)["dbname"], tcp=True))
    server = " ".join(f"{k}={parts[k]}" for k in ("host", "port", "dbname"))
    users = tmp_path / "users.txt"
    users.write_text(f'"{parts["user"]}" "{parts.get("password", "")}"\n')
    settings = tmp_path / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\npooled = {server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n"
        "pool_mode = transaction\ndefault_pool_size = 4\n"
    )
    # it refuses to run as root, and pytest's directory is closed to others
    for path in (users, settings, *tmp_path.parents[:2], tmp_path):
        path.chmod(0o755)
    user = ["-u", "nobody"] if Path("/proc/self").stat().st_uid == 0 else []
    with (tmp_path / "pgbouncer.log").open("w") as log:
        process = subprocess.Popen([program, *user, str(settings)], stdout=log, stderr=log)
    url = make_conninfo(host="127.0.0.1", port=port, dbname="pooled", user=parts["user"])
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            break
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((tmp_path / "pgbouncer.log").read_text())
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize("direct", [True, False])
def test_delivers_through_pgbouncer(pooled, dsn, outbox, receiver, artery_run, direct):
    options = ["--listen-dsn", dsn] if direct else ["--no-listen"]
    outbox.enqueue(2000)
    running = artery_run(pooled, *options).wait_started()
    outbox.wait({"sent": 2000})
    outbox.enqueue(10)
    outbox.wait({"sent": 2010}, 5)
    assert set(receiver.ids().values()) == {1}
    assert running.end(signal.SIGTERM) == 0
    assert not [line for line in running.lines() if line["level"] in ("error", "warning")]
