"""Ways to kill a runner, each at a step of its own, one incarnation after the other."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import LiteralString

import psycopg
from chaos_proxy import SwallowProxy
from chaos_stage import PAUSED, Fault, Runner, Stage
from psycopg.conninfo import make_conninfo

# the runner's own fail points, with the chance at each passage
FAILPOINTS = {
    "before_claim": 0.05,
    "after_claim": 0.2,
    "mid_send": 0.1,
    "after_reply": 0.1,
    "before_report": 0.2,
    "after_report": 0.2,
}
# from outside: the claim's own commit, a reply that never comes, a lease lost unknowingly
OUTSIDE = (
    "claim commits after its runner died",
    "claim rolls back after its runner died",
    "claim rolls back under its runner",
    "lost reply to claim_tasks",
    "lost reply to report_results",
    PAUSED,
    "any moment",
)
KINDS = (*FAILPOINTS, *OUTSIDE)
PATIENCE = 8.0  # seconds for an incarnation to come to its end


def plan(seed: int, kills: int) -> list[str]:
    """Every kind in turn, each round shuffled."""
    dice = random.Random(f"{seed} plan")
    kinds: list[str] = []
    while len(kinds) < kills:
        kinds += dice.sample(KINDS, len(KINDS))
    return kinds[:kills]


class Slot(threading.Thread):
    """Starts runners one after the other and kills each as planned; `kills` counts by kind."""

    def __init__(self, stage: Stage, number: int, kinds: list[str], proxy: SwallowProxy) -> None:
        super().__init__(name=f"slot-{number}")
        self.stage, self.number, self.kinds, self.proxy = stage, number, kinds, proxy
        self.planned = len(kinds)
        self.kills: Counter[str] = Counter()
        self.dice = random.Random(f"{stage.seed} slot {number}")
        through = {"host": "127.0.0.1", "port": proxy.port, "sslmode": "disable"}
        self.dsn = make_conninfo(stage.dsn, **through, gssencmode="disable")

    def run(self) -> None:
        try:
            with psycopg.connect(self.stage.dsn, autocommit=True) as self.conn:
                for turn, kind in enumerate(self.kinds):
                    self._live_and_die(turn, kind)
        except BaseException as error:
            self.stage.complaints.append(f"{self.name}: {error!r}")

    def _live_and_die(self, turn: int, kind: str) -> None:
        failpoint = ""
        if kind in FAILPOINTS:
            failpoint = f"{kind}={FAILPOINTS[kind]};seed={self.dice.randrange(10**6)}"
        name = f"slot{self.number}-{turn}"
        runner = self.stage.runner(name, dsn=self.dsn, failpoint=failpoint)
        killed = ""
        if kind in FAILPOINTS:
            with contextlib.suppress(subprocess.TimeoutExpired):
                runner.process.wait(PATIENCE)
                killed = kind
        elif self._await_work(runner):
            killed = getattr(self, "_" + kind.replace(" ", "_"))(runner)
        runner.process.kill()
        if not killed:  # its moment did not come: once more, later
            killed = "any moment"
            if turn < self.planned:
                self.kinds.append(kind)
        code = runner.process.wait()
        self._note("killed: " + killed, runner)
        self.kills[killed] += 1
        if code != -signal.SIGKILL:
            said = runner.log.read_text(errors="replace")[-2000:]
            self.stage.complaints.append(f"{name} ended with {code}, not by the kill:\n{said}")

    def _note(self, kind: str, runner: Runner, since: float | None = None) -> None:
        now = time.time()
        self.stage.faults.append(Fault(since or now, now, kind, runner.pid))

    def _has(self, runner: Runner, condition: LiteralString = "true") -> bool:
        """Tell whether this runner has claimed a task of which `condition` holds."""
        row = self.conn.execute(
            "select exists (select from artery.integration_task as t "
            "join artery.runner as r on r.id = t.runner_id where r.pid = %s and " + condition + ")",
            (runner.pid,),
        ).fetchone()
        return row is not None and bool(row[0])

    def _await_work(self, runner: Runner) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._has(runner):
                return True
            time.sleep(0.05)
        return False

    # -- each kind from outside gives what it came to, "" if its moment did not come --------------

    def _any_moment(self, _runner: Runner) -> str:
        time.sleep(self.dice.uniform(0.1, 1.0))
        return "any moment"

    def _paused_past_its_lease(self, runner: Runner) -> str:
        """Stop it with tasks in hand until others have them; what it then reports is stale."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._has(runner, "t.status = 'processing'"):
                since = time.time()
                runner.process.send_signal(signal.SIGSTOP)
                time.sleep(0.05)
                if self._has(runner, "t.status = 'processing'"):
                    time.sleep(self.stage.lease + 1.5)
                    runner.process.send_signal(signal.SIGCONT)
                    self._note(PAUSED, runner, since)
                    time.sleep(1)
                    return PAUSED
                runner.process.send_signal(signal.SIGCONT)
            time.sleep(0.01)
        return ""

    def _lost_reply_to_claim_tasks(self, runner: Runner) -> str:
        return self._lose("claim_tasks", runner)

    def _lost_reply_to_report_results(self, runner: Runner) -> str:
        return self._lose("report_results", runner)

    def _lose(self, function: str, runner: Runner) -> str:
        """Swallow one reply, and let the runner live on for a while."""
        before = len(self.proxy.swallowed)
        self.proxy.arm(function)
        deadline = time.monotonic() + PATIENCE
        while len(self.proxy.swallowed) == before and time.monotonic() < deadline:
            time.sleep(0.02)
        self.proxy.arm(None)
        if len(self.proxy.swallowed) == before:
            return ""
        self._note(f"lost reply to {function}", runner, self.proxy.swallowed[-1][0])
        time.sleep(self.dice.uniform(0.1, 1.0))
        return f"lost reply to {function}"

    def _claim_commits_after_its_runner_died(self, runner: Runner) -> str:
        with self._held_claim(runner) as backend:
            if backend:
                runner.process.kill()
                runner.process.wait()
        return self.kind_of("commits after", backend)

    def _claim_rolls_back_after_its_runner_died(self, runner: Runner) -> str:
        with self._held_claim(runner) as backend:
            if backend:
                runner.process.kill()
                runner.process.wait()
                self.conn.execute("select pg_terminate_backend(%s, 2000)", (backend,))
        return self.kind_of("rolls back after", backend)

    def _claim_rolls_back_under_its_runner(self, runner: Runner) -> str:
        with self._held_claim(runner) as backend:
            if backend:
                self.conn.execute("select pg_terminate_backend(%s, 2000)", (backend,))
        if backend:
            time.sleep(self.dice.uniform(0.2, 1.0))
        return self.kind_of("rolls back under", backend)

    def kind_of(self, words: str, backend: int | None) -> str:
        return next(kind for kind in OUTSIDE if words in kind) if backend else ""

    @contextlib.contextmanager
    def _held_claim(self, runner: Runner) -> Iterator[int | None]:
        """Hold a claim that has marked its tasks and not committed; gives its backend's pid.

        The last thing a claim with rows does is to mark its sleeping runner awake: that row is
        locked here.
        """
        since = time.time()
        backend = None
        with psycopg.connect(self.stage.dsn) as holder:
            deadline = time.monotonic() + 4
            while backend is None and time.monotonic() < deadline:
                holder.execute(
                    "update artery.runner set asleep = true where pid = %s", (runner.pid,)
                )
                holder.commit()
                row = holder.execute(
                    "select id from artery.runner where pid = %s and asleep for update",
                    (runner.pid,),
                ).fetchone()
                if row is not None:
                    backend = self._blocked_claim(holder.info.backend_pid)
                if backend is None:
                    holder.rollback()
            yield backend
            holder.rollback()
        self._note("claim held", runner, since)

    def _blocked_claim(self, holder: int) -> int | None:
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            row = self.conn.execute(
                "select a.pid from pg_stat_activity as a "
                "where a.query like '%%artery.claim_tasks%%' and %s = any(pg_blocking_pids(a.pid))",
                (holder,),
            ).fetchone()
            if row is not None:
                return int(row[0])
            time.sleep(0.01)
        return None
