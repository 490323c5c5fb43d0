"""Fail points for chaos tests: the process kills itself with SIGKILL at a named step.

ARTERY_FAILPOINT="after_claim=0.01,mid_send=0.01,before_report;seed=42" kills with probability 0.01
after each claim and each send, and always before a report; the same seed gives the same kills for
the same sequence of steps. Unset, a step costs one comparison with None.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable

STEPS = frozenset(
    {"before_claim", "after_claim", "mid_send", "after_reply", "before_report", "after_report"}
) | {
    f"archive_{step}"
    for step in ("begun", "detached", "writing", "written", "described", "finished")
}


def parse(text: str) -> Callable[[str], None] | None:
    """Turn the variable's text into a function to call at each step, or None if it is empty.

    Errors: ValueError for an unknown step or a probability outside 0..1.
    """
    if not text.strip():
        return None
    points, _, tail = text.partition(";")
    key, _, seed = tail.partition("=")
    if tail and key.strip() != "seed":
        raise ValueError(f"ARTERY_FAILPOINT: expected seed=N after ';', got {tail!r}")
    chances: dict[str, float] = {}
    for point in points.split(","):
        name, _, chance = point.strip().partition("=")
        if name not in STEPS:
            known = ", ".join(sorted(STEPS))
            raise ValueError(f"ARTERY_FAILPOINT: no step {name!r}; known: {known}")
        chances[name] = float(chance or 1)
        if not 0 <= chances[name] <= 1:
            raise ValueError(f"ARTERY_FAILPOINT: {name}={chance} is not a probability")
    dice = random.Random(int(seed) if seed else None)  # noqa: S311  # nosec B311 - repeatable

    def hit(step: str) -> None:
        chance = chances.get(step)
        if chance is not None and dice.random() < chance:
            os.kill(os.getpid(), signal.SIGKILL)

    return hit


hit = parse(os.environ.get("ARTERY_FAILPOINT", ""))
