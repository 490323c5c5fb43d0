"""kill -9 at every step of a delivery, with a second runner at work and the dead ones replaced."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from chaos_judge import judge
from chaos_kills import KINDS, Slot, plan
from chaos_proxy import SwallowProxy

from pg_artery.cluster import Cluster


@pytest.mark.one_server
@pytest.mark.timeout(1800)
def test_killed_runners_lose_nothing_and_repeat_only_what_is_unknown(
    make_stage, own_cluster: Cluster, long: bool, seed: int, tell, hold
) -> None:
    kills, slots = (200, 2) if long else (14, 2)
    kinds = plan(seed, kills)
    proxies = [SwallowProxy(own_cluster.port) for _ in range(slots)]
    for proxy in proxies:
        proxy.start()
    with make_stage().running() as stage:
        steady = stage.runner("steady")
        threads = [Slot(stage, n, kinds[n::slots], proxies[n]) for n in range(slots)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stage.finish(patience=stage.lease + 20)
        assert steady.stop(signal.SIGTERM) == 0
        verdict = judge(stage)
    for proxy in proxies:
        proxy.stop()
    counts = sum((thread.kills for thread in threads), Counter[str]())
    tell(f"kills: {dict(counts)}")
    hold(stage, verdict)
    assert counts.total() >= kills
    missed = [kind for kind in KINDS if kind not in counts]
    assert not missed, f"no kill came to pass at: {missed}"
    assert verdict.figures["stale calls"] or not long, (
        "no runner reported what was no longer its own"
    )
