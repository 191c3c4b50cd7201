"""A scheduler at the start of a run of so many calls, to ask what a run would meet."""

from __future__ import annotations

from typing import Any

from dato.sampler.stand_in import ADDED
from dato.sampler.twin import beside_its_tables, twin_of


def rehearsed(scheduler: Any, calls: int) -> Any:
    """A copy after ``set_timesteps``; None where the number of steps alone does not start a run.

    PNDM makes a call more than it has steps, and Heun nearly two for each.
    """
    for steps in (calls, calls - 1, (calls + 1) // 2):
        twin = twin_of(scheduler, ADDED, exact=False)
        try:
            with beside_its_tables():
                twin.set_timesteps(steps)
        except Exception:  # it needs what only a run knows, such as ``mu``
            return None
        if len(twin.timesteps) == calls:
            return twin
    return None
