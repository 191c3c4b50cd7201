"""How much the predicted noise changes from call to call (paper section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor


class Dynamics:
    """D_t = mean over channels of abs(eps_t - eps_(t-1)) between the last two computed outputs."""

    def __init__(self) -> None:
        self._previous: Tensor | None = None
        self.map: Tensor | None = None
        """(images, height, width), or None before the second output."""

    def update(self, epsilon: Tensor) -> None:
        """Take in the noise of a computed call, (images, channels, height, width)."""
        if self._previous is not None:
            self.map = (epsilon - self._previous).abs().mean(1)
        self._previous = epsilon

    def follow_others(self) -> None:
        """Other rows of the batch come next: the map stays until two of their outputs are known."""
        self._previous = None

    def clear(self) -> None:
        """Forget everything."""
        self._previous = self.map = None

    @property
    def known(self) -> bool:
        """Whether two outputs have been computed."""
        return self.map is not None

    def pooled(self, grid: tuple[int, int]) -> Tensor | None:
        """The dynamics of every token of a level, (images, tokens); None when unknown."""
        if self.map is None:
            return None
        return torch.nn.functional.adaptive_avg_pool2d(self.map, grid).flatten(1)
