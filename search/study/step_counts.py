"""At how many steps the unpatched model is measured as a rival."""

from __future__ import annotations

import math
from collections.abc import Sequence

LADDER = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200)
"""Numbers of steps that people use. Studies that choose from few share what was measured."""

MOST_STEPS = 12
"""The most steps of a fast front's rivals. Slower ones cost most: 25 of 50 steps take as long as 4,
8 and 12 together. A faster rival that is no worse dominates slow members too."""


def step_counts(steps: int, speedups: Sequence[float], count: int) -> tuple[int, ...]:
    """Numbers of steps with which the unpatched model is about as fast as the front, ascending.

    Args:
        steps: of the unpatched model.
        speedups: of the front's members.
        count: how many, from the fastest member to the slowest one, or to :data:`MOST_STEPS`, even
            in log speed-up.
    """
    if not speedups or steps < 2:
        return ()
    fast = max(1.0, *speedups)
    slow = max(min(speedups), min(steps / MOST_STEPS, fast / 2))
    logs = [
        math.log(fast) + (math.log(slow) - math.log(fast)) * place / max(count - 1, 1)
        for place in range(count)
    ]
    known = [each for each in LADDER if min(2, steps - 1) <= each < steps]
    return tuple(sorted({_nearest(known, steps / math.exp(log)) for log in logs}))


def _nearest(known: Sequence[int], wanted: float) -> int:
    return min(known, key=lambda each: abs(math.log(each / wanted)))
