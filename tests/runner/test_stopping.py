"""How a runner ends: told to at any moment it does, soon; not told to it does not."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_server

#: `artery run` in which every wait ends by itself at once, as one of an hour does after an hour
HURRIED = """
from pg_artery.wakeup import Wakeup
wait = Wakeup.wait
Wakeup.wait = lambda self, seconds, also=None: wait(self, min(seconds, 0.02), also)
from pg_artery.cli import main
main()
"""
#: a supervisor whose only process dies at once, and is to be started again after a minute
DYING = """
import pg_artery.supervise as supervise
supervise.RESTART_FIRST = 60.0
print("up", flush=True)
raise SystemExit(supervise.Supervisor(1, lambda index, parent: 7).run())
"""

#: one whose process dies, finds no PostgreSQL twice when it is started again, then ends well
AWAY = """
import sys
from pathlib import Path
import pg_artery.supervise as supervise
supervise.RESTART_FIRST = 0.05
lives = Path(sys.argv[1])
def work(index, parent):
    lives.write_text(lives.read_text() + "x")
    return (7, 3, 3, 0)[len(lives.read_text()) - 1]
raise SystemExit(supervise.Supervisor(1, work).run())
"""


def run_options(dsn: str, *options: str) -> list[str]:
    return ["run", "--dsn", dsn, "--log-format", "json", *options]


def wait_for(log: Path, text: str, count: int = 1, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while log.read_text().count(text) < count:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_wait_that_is_over_is_no_order_to_stop(dsn: str, processes: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = run_options(dsn, "--processes", str(processes))
    with log.open("w") as out:
        child = subprocess.Popen([sys.executable, "-c", HURRIED, *options], stderr=out)
    try:
        wait_for(log, '"event": "started"', processes)
        time.sleep(1)
        assert child.poll() is None, log.read_text()
        assert "draining" not in log.read_text()
        child.send_signal(signal.SIGTERM)
        assert child.wait(15) == 0
    finally:
        child.kill()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_at_any_moment_of_its_start_it_does(
    dsn: str, artery_run, processes: int, how: signal.Signals, pytestconfig: pytest.Config
) -> None:
    """A signal that comes while handlers are set, threads started, processes forked is heard."""
    warm = time.monotonic()
    running = artery_run(dsn, "--processes", str(processes)).wait_started()
    took = time.monotonic() - warm
    assert running.end(how) == 0
    moments = 100 if pytestconfig.getoption("--long") else 5
    for moment in range(moments):
        running = artery_run(dsn, "--processes", str(processes))
        time.sleep(took * (0.4 + 0.9 * moment / moments))
        # before it has handlers, Python ends it: by the signal, or KeyboardInterrupt (1)
        code = running.end(how, 15)
        assert code in (0, -how, 1 if how == signal.SIGINT else 0), running.log.read_text()


def test_told_to_stop_while_postgresql_keeps_it_waiting_at_the_start(
    dsn: str, artery_run, connect, conn
) -> None:
    blocker = connect(autocommit=False)
    blocker.execute("lock table artery.runner in access exclusive mode")
    running = artery_run(dsn)
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    deadline = time.monotonic() + 15
    while conn.execute(waits).fetchone() == (0,):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert running.end(signal.SIGTERM, 10) == 0
    blocker.rollback()
    assert conn.execute("select count(*) from artery.runner").fetchone() == (0,)


def test_told_to_stop_while_postgresql_keeps_it_waiting_for_a_claim(
    dsn: str, artery_run, connect, pytestconfig: pytest.Config
) -> None:
    if not pytestconfig.getoption("--long"):
        pytest.skip("13 s: in the long form")
    running = artery_run(dsn).wait_started()
    blocker = connect(autocommit=False)
    blocker.execute("lock table artery.integration_task, artery.runner in access exclusive mode")
    time.sleep(1.5)
    began = time.monotonic()
    running.end(signal.SIGTERM, 30)
    # claim, sweep, heartbeat and farewell each wait for the lock
    assert time.monotonic() - began < 20
    blocker.rollback()


def test_a_process_that_waits_to_be_started_again_keeps_nobody_waiting() -> None:
    with subprocess.Popen([sys.executable, "-c", DYING], stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"up\n"
        time.sleep(0.5)
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(5) == 0


def test_a_process_started_again_while_postgresql_is_away_ends_nobody(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    lives.touch()
    done = subprocess.run(
        [sys.executable, "-c", AWAY, str(lives)], timeout=30, stderr=subprocess.DEVNULL
    )
    assert (done.returncode, lives.read_text()) == (0, "xxxx")


def test_ctrl_c_on_a_terminal_drains_all_processes(dsn: str, outbox, receiver, tmp_path: Path):
    """The terminal tells all of its processes; the parent tells its own: once is meant."""
    receiver.slow = 2.0
    leader, follower = os.openpty()
    log = tmp_path / "log"
    command = [sys.executable, "-m", "pg_artery", *run_options(dsn, "--processes", "2")]
    with log.open("w") as out:
        child = subprocess.Popen(
            command, stdin=follower, stderr=out, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
    try:
        wait_for(log, '"event": "started"', 2)
        outbox.enqueue(4)
        receiver.wait_for(4)
        os.write(leader, b"\x03")
        assert child.wait(15) == 0
        assert outbox.statuses() == {"sent": 4}
    finally:
        child.kill()
        os.close(leader)
        os.close(follower)


def test_names_that_nobody_resolves_do_not_hold_up_the_end(dsn: str, conn) -> None:
    # root mapped to itself alone could not reach the socket of the cluster's user
    apart = ["unshare", *(["--map-root-user"] if os.geteuid() else []), "--mount", "--net"]
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("unshare or ip is missing (Debian: util-linux, iproute2)")
    if subprocess.run([*apart, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no network namespaces of one's own")
    conn.execute(
        "with e as (insert into artery.endpoint (name, base_url, connect_timeout, total_timeout) "
        "select 'mute' || n, format('http://mute%s.test/v1', n), '20 s', '60 s' "
        "from generate_series(1, 8) as n returning id, name) "
        "insert into artery.route (topic, endpoint_id, path_template) select name, id, '/' from e"
    )
    conn.execute("select artery.enqueue_task(topic, '{}') from artery.route")
    world = [*apart, sys.executable, str(Path(__file__).with_name("mute_world.py"))]
    done = subprocess.run([*world, dsn], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["code"] == 0, done.stderr[-3000:]
    assert told["asked"] >= 8, "the resolver was at it"
    assert told["seconds"] < 5, "a second to drain; the resolver would take a minute"
    status = "select distinct status, error ->> 'kind' from artery.integration_task"
    assert conn.execute(status).fetchall() == [("failed", "interrupted")]
