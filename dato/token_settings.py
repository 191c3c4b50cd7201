"""How the tokens that a call keeps are selected. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dato.errors import TokensError


@dataclass(frozen=True)
class Tokens:
    """How tokens are selected, for every pruned layer of a schedule (paper section 3.2).

    Args:
        patch: height and width in tokens of the patches that each keep one base token.
        dynamics_weight: weight of the dynamics in a base token's score.
        noise_weight: weight of the standard normal noise in a base token's score.
        protect: share of tokens with the highest dynamics that are pruned last.
        share: ``"level"`` makes one selection per call and level, ``"layer"`` one per layer.
    """

    patch: tuple[int, int] = (2, 2)
    dynamics_weight: float = 1.0
    noise_weight: float = 0.1
    protect: float = 0.2
    share: Literal["level", "layer"] = "level"

    def __post_init__(self) -> None:
        if min(self.patch) < 1 or math.prod(self.patch) < 2:
            raise TokensError(
                f"The patch {self.patch} is too small: it needs two tokens.", remedy="Use [2, 2]."
            )
        for name in ("dynamics_weight", "noise_weight"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise TokensError(
                    f"The {name} {value!r} is no finite number from 0 on.",
                    remedy=f"Use {getattr(Tokens, name)}, or 0 for a score without that part.",
                )
        if not 0 <= self.protect <= 1:
            raise TokensError(
                f"The share protect={self.protect!r} is not between 0 and 1.",
                remedy=f"Use {Tokens.protect}, or 0 to protect nothing.",
            )
        if self.share not in ("level", "layer"):
            raise TokensError(
                f'The share {self.share!r} is neither "level" nor "layer".',
                remedy='Use "level" for one selection per call and level.',
            )

    @property
    def max_ratio(self) -> float:
        """Largest pruning ratio: base tokens, one per patch, are never pruned."""
        return 1 - 1 / math.prod(self.patch)
