"""What a space needs to know about the model and its reference run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dato import Topology
from dato.schedule import Depth, Forecast
from search.records.base_sampler import Base
from search.space.full_calls import evenly
from search.space.problems import Problems


class Placed(Protocol):
    """Where a run computes a number of full calls."""

    def __call__(self, calls: int, count: int, cached: range, holds: bool) -> tuple[int, ...]:
        """Numbers of ``count`` of ``calls`` calls, ascending, the first 0.

        Args:
            cached: calls that need not be full; if more than ``count`` are not among them, all
                those are.
            holds: whether outputs are held in between, and not forecast on a line.
        """
        ...


class FittedWeights(Protocol):
    """The weights of fitted forecasts."""

    def __call__(
        self, depths: Sequence[Depth], forecasts: Sequence[Forecast]
    ) -> Mapping[int, tuple[float, ...]]:
        """Weights of each call whose forecast is ``"fitted"``, the newest value first.

        Args:
            depths: of each call, the first ``"full"``.
            forecasts: of each call.
        """
        ...


def held(depths: Sequence[Depth], forecasts: Sequence[Forecast]) -> Mapping[int, tuple[float, ...]]:
    """Weights that hold the last value: they cost what fitted ones cost."""
    fitted = [call for call, forecast in enumerate(forecasts) if forecast == "fitted"]
    return {call: (1.0,) for call in fitted if depths[call] != "full"}


def placed_evenly(calls: int, count: int, cached: range, holds: bool) -> tuple[int, ...]:
    """Where nothing is known of the run."""
    return evenly(calls, count, cached)


@dataclass(frozen=True)
class SpaceContext:
    """The run that a space's parameters are decoded for.

    Args:
        calls: denoiser calls of one run.
        topology: skip branches and self-attention layers of the denoiser.
        drift: mean absolute change of the predicted noise at each call, from the unpatched
            reference run; one value per call, the first 0.
        placed: where the rule ``planned`` puts full calls. A study passes what its calibration
            plans; evenly is enough to price schedules, whose cost is the same.
        weights: of fitted forecasts. A study passes its calibration's; ``None`` refuses spaces that
            fit, and holding is enough to price schedules.
        bases: the same for each of the space's base samplers but the study's own.

    Raises:
        ConfigError: the drift does not have one finite value from 0 on for each call.
    """

    calls: int
    topology: Topology
    drift: tuple[float, ...]
    placed: Placed = placed_evenly
    weights: FittedWeights | None = held
    bases: Mapping[Base, SpaceContext] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        problems = Problems()
        if self.calls < 1:
            problems.add(
                "calls", f"the run has {self.calls} calls", "Record a run with at least one"
            )
        if len(self.drift) != self.calls:
            fault = f"there are {len(self.drift)} values for {self.calls} calls"
            problems.add("drift", fault, "Record one for each call")
        bad = [value for value in self.drift if not (math.isfinite(value) and value >= 0)]
        if bad:
            fault = f"{bad[0]!r} is not a finite number from 0 on"
            problems.add("drift", fault, "Look for NaN in the reference run")
        if self.topology.skip_branches and not self.topology.layers:
            fault = "the denoiser has no self-attention layer"
            problems.add("topology", fault, "Choose a model with self-attention")
        problems.raise_if_any("The run cannot be searched")

    def on(self, base: Base | None) -> SpaceContext:
        """The run on a base. One that is not known is taken to make a call for each step, with an
        even drift, which is enough to price schedules."""
        if base is None:
            return self
        drift = (0.0,) + (1.0,) * (base.steps - 1)
        return self.bases.get(base) or SpaceContext(base.steps, self.topology, drift)

    @property
    def finest(self) -> int:
        """Finest level that has self-attention: the one with the most tokens (0 for SD 1.5)."""
        return next(iter(self.topology.levels), 0)
