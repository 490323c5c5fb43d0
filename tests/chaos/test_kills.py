"""kill -9 at every step of a delivery, with a second runner at work and the dead ones replaced."""

from __future__ import annotations

from collections import Counter

import pytest
from chaos_judge import Verdict, judge
from chaos_kills import KINDS, Slot, plan
from chaos_proxy import SwallowProxy
from chaos_stage import Stage

from pg_artery.cluster import Cluster

SLOTS = 2


def _kill(stage: Stage, cluster: Cluster, kills: int) -> tuple[Verdict, Counter[str]]:
    """Kill as many runners as `kills` says; gives the verdict, and the kills by kind."""
    kinds = plan(stage.seed, kills)
    proxies = [SwallowProxy(cluster.port) for _ in range(SLOTS)]
    for proxy in proxies:
        proxy.start()
    with stage.running():
        steady = stage.runner("steady")
        slots = [Slot(stage, n, kinds[n::SLOTS], proxies[n]) for n in range(SLOTS)]
        for slot in slots:
            slot.start()
        for slot in slots:
            slot.join()
        stage.finish(patience=stage.lease + 20)
        assert steady.stop() == 0
        verdict = judge(stage)
    for proxy in proxies:
        proxy.stop()
    return verdict, sum((slot.kills for slot in slots), Counter[str]())


@pytest.mark.one_server
@pytest.mark.timeout(1800)
def test_killed_runners_lose_nothing_and_repeat_only_what_is_unknown(
    make_stage, own_cluster: Cluster, long: bool, tell, hold
) -> None:
    stage, kills = make_stage(), 200 if long else len(KINDS)
    verdict, counts = _kill(stage, own_cluster, kills)
    tell(f"{counts.total()} kills: {dict(counts)}")
    hold(stage, verdict)
    assert counts.total() >= kills
    missed = [kind for kind in KINDS if kind not in counts]
    assert not missed, f"no kill came to pass at: {missed}"
    assert verdict.figures["stale calls"] or not long, "no runner reported what was not its own"


@pytest.mark.one_server
@pytest.mark.timeout(1800)
def test_recovery_with_the_lease_as_it_ships(
    make_stage, own_cluster: Cluster, long: bool, hold
) -> None:
    if not long:
        pytest.skip("takes minutes: make chaos")
    stage = make_stage(lease=30.0)
    verdict, _ = _kill(stage, own_cluster, kills=2 * len(KINDS))
    hold(stage, verdict)
    assert len(verdict.recovery) >= 10
