"""A tuned sampler: timesteps and weights of its own, on no scheduler's grid. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dato.errors import TimestepsError, TunedError

MAX_OUTPUTS = 3
"""The most outputs that a gap reads, its own call's among them."""


@dataclass(frozen=True)
class TunedSampler:
    """What takes the place of a scheduler's timesteps and steps, call by call.

    Args:
        timesteps: of the computed calls, falling, in the model's units; between the trained ones,
            too.
        weights: for the gap after each call, those of one to three outputs, the newest first. The
            first call has no output but its own, whose weight is 1.

    Raises:
        TunedError: naming the rule that is broken.
    """

    timesteps: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "timesteps", tuple(self.timesteps))
        object.__setattr__(self, "weights", tuple(map(tuple, self.weights)))
        if not self.timesteps or len(self.timesteps) != len(self.weights):
            raise TunedError(
                f"The tuned sampler has {len(self.timesteps)} timesteps and {len(self.weights)} "
                "lists of weights.",
                remedy="Give it one of each for every call.",
            )
        check_timesteps(self.timesteps)
        for call, weights in enumerate(self.weights):
            _check_weights(call, weights)

    @property
    def calls(self) -> int:
        """How often the denoiser is asked."""
        return len(self.timesteps)


def check_timesteps(timesteps: Sequence[float]) -> None:
    """Raise :class:`TimestepsError` when timesteps are no falling numbers from 0 on."""
    for timestep in timesteps:
        if not (math.isfinite(timestep) and timestep >= 0):
            raise TimestepsError(
                f"The timestep {timestep!r} is no finite number from 0 on.",
                remedy="Use timesteps that the model was trained on, or between them.",
            )
    for before, after in pairwise(timesteps):
        if after >= before:
            raise TimestepsError(
                f"The timestep {after!r} follows {before!r}, but timesteps fall.",
                remedy="Sort them, the noisiest first, without repeats.",
            )


def _check_weights(call: int, weights: tuple[float, ...]) -> None:
    most = min(MAX_OUTPUTS, call + 1)
    if not 1 <= len(weights) <= most:
        raise TunedError(
            f"Call {call} of the tuned sampler has {len(weights)} weights, but it can read {most}.",
            remedy=f"Give it one to {most}, the newest output's first.",
        )
    for weight in weights:
        if not math.isfinite(weight):
            raise TunedError(
                f"Call {call} of the tuned sampler has the weight {weight!r}, which is not finite.",
                remedy="Use a finite number.",
            )
    if call == 0 and weights != (1.0,):
        raise TunedError(
            f"The first call of the tuned sampler has the weight {weights[0]!r}, but pure noise "
            "says nothing of another one than 1.",
            remedy="Use [1.0].",
        )
