"""PostgreSQL crashes or restarts under load; the runners come back by themselves."""

from __future__ import annotations

import random
import time

import pytest
from chaos_judge import judge
from chaos_stage import Fault, Stage

from pg_artery.cluster import Cluster

BACK_WITHIN = 10.0  # seconds from PostgreSQL's return to the next delivery


def _first_send_after(stage: Stage, moment: float) -> float:
    deadline = time.time() + BACK_WITHIN + 5
    while time.time() < deadline:
        late = [receipt.at for receipt in stage.receipts if receipt.at > moment]
        if late:
            return min(late) - moment
        time.sleep(0.05)
    return float("inf")


def _interrupt(stage: Stage, cluster: Cluster, mode: str, down: float) -> float:
    """Stop PostgreSQL, start it again; gives seconds from its return to the next send."""
    stage.quiet_until = float("inf")
    began = time.time()
    cluster.stop(mode)  # type: ignore[arg-type]
    time.sleep(down)
    cluster.start()
    back = time.time()
    # what was claimed before may lose its lease until the runners have found the way back
    stage.faults.append(Fault(began, back + 2.5, f"stop -m {mode}"))
    seconds = _first_send_after(stage, back)
    stage.quiet_until = back + 2.5 + 2
    return seconds


@pytest.mark.timeout(1800)
def test_a_crashing_postgresql_loses_nothing(
    make_stage, own_cluster: Cluster, long: bool, seed: int, tell, hold
) -> None:
    dice = random.Random(f"{seed} crashes")
    gaps = []
    with make_stage().running() as stage:
        runners = [stage.runner("one"), stage.runner("two")]
        for _ in range(20 if long else 2):
            time.sleep(dice.uniform(1.0, 6.0) if long else dice.uniform(1.0, 2.0))
            gaps.append(_interrupt(stage, own_cluster, "immediate", dice.choice([0, 0, 4]) * long))
        stage.finish(patience=stage.lease + 20)
        assert [runner.stop() for runner in runners] == [0, 0]
        verdict = judge(stage, bound=None)
    tell(f"first send after PostgreSQL was back: max {max(gaps):.2f} s of {len(gaps)} crashes")
    own_cluster.run("pg_amcheck", "--install-missing", "-h", str(own_cluster.path), "-p",
                    str(own_cluster.port), "-U", "postgres", "-d", "chaos")  # fmt: skip
    hold(stage, verdict)
    assert max(gaps) <= BACK_WITHIN


@pytest.mark.one_server
def test_a_restart_under_load_is_ridden_out(make_stage, own_cluster: Cluster, hold) -> None:
    with make_stage().running() as stage:
        runners = [stage.runner("listening"), stage.runner("polling", "--no-listen")]
        time.sleep(1.5)
        gap = _interrupt(stage, own_cluster, "fast", down=0.5)
        stage.finish(patience=stage.lease + 20)
        assert [runner.stop() for runner in runners] == [0, 0]
        verdict = judge(stage, bound=None)
    hold(stage, verdict)
    assert gap <= BACK_WITHIN
