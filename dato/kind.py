"""What one call of a denoiser does. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from dato.errors import DepthError, ForecastError, RatioError

Depth = int | Literal["full"]
"""``0`` reuses the previous output, ``1..L`` recomputes that many skip branches, ``"full"`` all."""

Forecast = Literal["hold", "linear", "fitted"]
"""What stands in for a held value: the last one itself, a straight line through the last two over
the sampler's timesteps, or the sum that the schedule's weights give."""

Quantity = Literal["epsilon", "output"]
"""What an output is held as. ``"epsilon"`` is what makes the sampler take a longer step: the
predicted noise; the predicted clean sample where the sampler adds noise of its own; the velocity of
a flow-matching model. ``"output"`` is what the denoiser returns: presets of version 1 mean this."""

MAX_VALUES = 3
"""The most held values that one forecast reads."""


def refreshes(depth: Depth, cut: int) -> bool:
    """Whether a call of ``depth`` computes the value at ``cut`` anew; cut 0 is the output."""
    return (math.inf if depth == "full" else depth) > cut


@dataclass(frozen=True)
class Kind:
    """What one call does.

    Args:
        depth: see :data:`Depth`.
        prune: pruning ratio by layer name (``"up_blocks.3.attentions.2"``) or by level
            (``"level_0"`` means every self-attention of that level). A layer's own entry wins.
        forecast: what stands in for the held value of a call that is not full.
    """

    depth: Depth = "full"
    prune: Mapping[str, float] = field(default_factory=dict)
    forecast: Forecast = "hold"

    def __post_init__(self) -> None:
        depth = self.depth
        if depth != "full" and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
            raise DepthError(
                f'The depth {depth!r} is neither "full" nor an integer from 0 on.',
                remedy="Use 0 to reuse the previous output, or the number of skip branches.",
            )
        pruned = [layer for layer, ratio in self.prune.items() if ratio > 0]
        if depth == 0 and pruned:
            raise RatioError(
                f"A kind of depth 0 prunes {pruned[0]!r}, but it runs no attention.",
                remedy="Remove its prune entries.",
            )
        if self.forecast not in get_args(Forecast):
            raise ForecastError(
                f'The forecast {self.forecast!r} is none of "hold", "linear" and "fitted".',
                remedy='Use "hold" for the last computed value.',
            )
        if depth == "full" and self.forecast != "hold":
            raise ForecastError(
                f"A full call has the forecast {self.forecast!r}, but it stands on no held value.",
                remedy="Remove its forecast.",
            )
        object.__setattr__(self, "prune", MappingProxyType(dict(sorted(self.prune.items()))))

    @property
    def is_null(self) -> bool:
        """Whether this kind is exactly the unpatched forward."""
        return self.depth == "full" and not any(self.prune.values())

    def __hash__(self) -> int:
        return hash((self.depth, tuple(self.prune.items()), self.forecast))

    def __reduce__(self) -> tuple[type[Kind], tuple[Depth, dict[str, float], Forecast]]:
        return (Kind, (self.depth, dict(self.prune), self.forecast))


Kinds = Mapping[str, Kind]
"""The kinds of a schedule, by name."""

Steps = Sequence[str]
"""The name of the kind of each call."""
