from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos_judge import Verdict
from chaos_stage import Stage

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate

MakeStage = Callable[..., Stage]


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture
def seed() -> int:
    """Of everything that is left to chance; printed, and ARTERY_SEED replays it."""
    chosen = int(os.environ.get("ARTERY_SEED") or random.randrange(10**6))
    print(f"ARTERY_SEED={chosen}")
    return chosen


@pytest.fixture
def make_stage(own_cluster: Cluster, seed: int, tmp_path: Path) -> MakeStage:
    """Make a stage on a migrated database of a durable cluster, over TCP as runners on hosts do."""

    def make(lease: float = 3.0, rate: float = 80.0) -> Stage:
        migrate(own_cluster.create_database("chaos"))
        return Stage(own_cluster.dsn("chaos", tcp=True), seed, tmp_path, lease, rate)

    return make


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str], long: bool) -> Callable[[str], None]:
    """Print a figure: at once in the long form, else with a failure."""

    def say(text: str) -> None:
        print(text)
        if long:
            with capsys.disabled():
                print("\n  " + text, end="", flush=True)

    return say


@pytest.fixture
def hold(tell: Callable[[str], None]) -> Callable[[Stage, Verdict], None]:
    """Say what was measured; fail on anything that the judge found wrong."""

    def check(stage: Stage, verdict: Verdict) -> None:
        tell(f"ARTERY_SEED={stage.seed}: {verdict.figures}")
        tell(f"recovery after a kill, lease {stage.lease:g} s: {verdict.percentiles()}")
        if verdict.wrong:
            shown = "\n".join(verdict.wrong[:10])
            pytest.fail(
                f"{len(verdict.wrong)} contradictions; ARTERY_SEED={stage.seed} replays\n{shown}",
                pytrace=False,
            )

    return check
