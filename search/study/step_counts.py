"""At how many steps the unpatched model is measured as a rival."""

from __future__ import annotations

import math
from collections.abc import Sequence

LADDER = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200)
"""Numbers of steps that people use. Studies that choose from few share what was measured."""

SLOWEST = 2.0
"""Rivals begin at this speed-up: slower ones cost most, and nobody asks for them."""


def step_counts(steps: int, speedups: Sequence[float], count: int) -> tuple[int, ...]:
    """Numbers of steps with which the unpatched model is about as fast as the front, ascending.

    Args:
        steps: of the unpatched model.
        speedups: of the front's members.
        count: how many, from the fastest member to the slowest one, even in log speed-up.
    """
    if not speedups or steps < 2:
        return ()
    fast = max(*speedups, SLOWEST)
    slow = min(max(min(speedups), SLOWEST), fast)
    logs = [
        math.log(fast) + (math.log(slow) - math.log(fast)) * place / max(count - 1, 1)
        for place in range(count)
    ]
    known = [each for each in LADDER if min(2, steps - 1) <= each < steps]
    return tuple(sorted({_nearest(known, steps / math.exp(log)) for log in logs}))


def _nearest(known: Sequence[int], wanted: float) -> int:
    return min(known, key=lambda each: abs(math.log(each / wanted)))
