"""The numbers that are tuned, as free ones: whatever they are, the sampler is valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from dato import TunedSampler
from dato.sampler.tuned import padded

LEAST = 1e-3
"""The shortest gap that a start may have, as a share of all."""
RATES = (0.03, 0.05, 0.02)
"""Adam's rates for gaps, slopes and third values."""


@dataclass(frozen=True)
class Leaves:
    """Leaves of the gradient, float64 on the CPU.

    Args:
        first: the first timestep, which stays.
        gaps: (calls,), logarithms of shares of the way from there to 0; the last gap ends there.
        slopes: (calls,), how far the noise of each gap goes along the line through the last two,
            as a share of the way to its middle. The first is not read.
        thirds: (calls,), weights of the third value. The first two are not read.
    """

    first: float
    gaps: Tensor
    slopes: Tensor
    thirds: Tensor

    @classmethod
    def of(cls, start: TunedSampler) -> Self:
        """Free numbers that give a sampler."""
        timesteps, weights = padded(start)
        shares = -torch.cat([timesteps, torch.zeros(1)]).diff() / timesteps[0]
        gaps = shares.clamp_min(LEAST).log()
        slopes = torch.zeros_like(timesteps)
        moved = cls(start.timesteps[0], gaps, slopes, slopes)
        slopes = -weights[:, 1] / moved._middles(moved.timesteps())
        leaves = (gaps, slopes, weights[:, 2].clone())
        return cls(start.timesteps[0], *(each.detach().requires_grad_() for each in leaves))

    def timesteps(self) -> Tensor:
        """(calls,), falling from the first; all above 0."""
        passed = self.gaps.softmax(0).cumsum(0)[:-1]
        return self.first * (1 - torch.cat([passed.new_zeros(1), passed]))

    def weights(self) -> Tensor:
        """(calls, 3), the newest first. They sum to 1."""
        places = torch.arange(len(self.gaps))
        second = torch.where(places > 0, -self.slopes * self._middles(self.timesteps()), 0.0)
        third = torch.where(places > 1, self.thirds, 0.0)
        return torch.stack([1 - second - third, second, third], 1)

    def _middles(self, timesteps: Tensor) -> Tensor:
        """(calls,), how far beyond the last two calls, as a share of their distance, the middle of
        each gap is."""
        lengths = -torch.cat([timesteps, timesteps.new_zeros(1)]).diff()
        before = torch.cat([lengths[:1], lengths[:-1]])
        return lengths / (2 * before)

    def groups(self) -> list[dict[str, object]]:
        """The leaves with their rates, for an optimizer."""
        leaves = self.gaps, self.slopes, self.thirds
        return [{"params": [leaf], "lr": rate} for leaf, rate in zip(leaves, RATES, strict=True)]

    def sampler(self) -> TunedSampler:
        """The sampler that they give now."""
        rows = self.weights().tolist()
        return TunedSampler(
            tuple(self.timesteps().tolist()),
            tuple(tuple(row[: min(3, call + 1)]) for call, row in enumerate(rows)),
        )
