"""Timesteps of few full calls, where a calibration predicts the least damage."""

from __future__ import annotations

from collections.abc import Sequence

from search.calibration.placement import GapForecast, placements
from search.calibration.table import Calibration

FIRST_ORDER = frozenset(
    {"DDIMScheduler", "EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"}
)
"""Samplers that go from one timestep to the next with the newest output alone, which is to hold it.
The others, of higher order, extend what the last outputs say."""


def forecast_in_steps(scheduler: str) -> GapForecast:
    """What a sampler does between its timesteps, as a schedule would: a first-order one holds."""
    return "hold" if scheduler in FIRST_ORDER else "linear"


def planned_timesteps(
    calibration: Calibration, counts: Sequence[int], forecast: GapForecast = "linear"
) -> dict[int, tuple[float, ...]]:
    """The timesteps of the planned placement of each number of full calls, the first call's among
    them. Whole ones, which every sampler takes, but where they are shares of noise.

    A sampler that calls twice at a timestep may plan both calls. Then more are planned, until their
    timesteps are as many. Left out are counts for which there is no plan.

    Args:
        forecast: of the sampler that takes them, see :func:`forecast_in_steps`.
    """
    digits = None if calibration.sigmas is None else 3
    plans = [plan.full for plan in placements(calibration, forecast)]
    planned: dict[int, tuple[float, ...]] = {}
    for full in plans:
        timesteps = {float(round(calibration.timesteps[call], digits)) for call in full}
        planned.setdefault(len(timesteps), tuple(sorted(timesteps, reverse=True)))
    return {count: planned[count] for count in counts if count in planned}
