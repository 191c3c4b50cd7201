"""What a space needs to know about the model and its reference run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dato import Topology
from search.space.problems import Problems


@dataclass(frozen=True)
class SpaceContext:
    """The run that a space's parameters are decoded for.

    Args:
        calls: denoiser calls of one run.
        topology: skip branches and self-attention layers of the denoiser.
        drift: mean absolute change of the predicted noise at each call, from the unpatched
            reference run; one value per call, the first 0.

    Raises:
        ConfigError: the drift does not have one finite value from 0 on for each call.
    """

    calls: int
    topology: Topology
    drift: tuple[float, ...]

    def __post_init__(self) -> None:
        problems = Problems()
        if self.calls < 1:
            problems.add("calls", "A run has at least one call.", "Record it again.", self.calls)
        if len(self.drift) != self.calls:
            rule = f"The drift has one value for each of the {self.calls} calls."
            problems.add("drift", rule, "Record it again.", len(self.drift))
        bad = [value for value in self.drift if not (math.isfinite(value) and value >= 0)]
        if bad:
            rule = "A call's drift is a finite number from 0 on."
            problems.add("drift", rule, "Look for NaN in the reference run.", bad[0])
        if not self.topology.layers:
            rule = "The denoiser has at least one self-attention layer."
            problems.add("topology", rule, "Choose a model with self-attention.")
        problems.raise_if_any("space context")

    @property
    def finest(self) -> int:
        """Finest level that has self-attention: the one with the most tokens (0 for SD 1.5)."""
        return self.topology.levels[0]
