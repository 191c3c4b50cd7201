"""Where the calls of a run are on the straight lines of linear forecasts."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dato.sampler.traits import renews_noise
from dato.schedule import Schedule


def line_positions(scheduler: Any, timesteps: Tensor, schedule: Schedule) -> list[float]:
    """The timesteps as numbers, which waits for the device once a run.

    All are 0 where no straight line is drawn: nothing is forecast linearly, or the sampler
    replaces all the noise at each step. There ``linear`` holds.
    """
    linear = any(kind.forecast == "linear" for kind in schedule.kinds.values())
    if not linear or renews_noise(scheduler):
        return [0.0] * len(timesteps)
    values: list[float] = timesteps.tolist()
    return values
