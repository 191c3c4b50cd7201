"""Inner products of the values of every two calls of a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Gram = NDArray[np.float64]
"""(calls, calls): inner products of the values of two calls, added up over images."""

BLOCK = 1 << 18
"""Elements of each value that are turned to float64 at a time."""


def gram(values: Sequence[Tensor]) -> Gram:
    """Inner products of one image's values, in float64; values are flat and of one size."""
    total = torch.zeros(len(values), len(values), dtype=torch.float64)
    for start in range(0, len(values[0]), BLOCK):
        block = torch.stack([value[start : start + BLOCK] for value in values]).double()
        total += (block @ block.T).cpu()
    return total.numpy()


class Sample:
    """The same elements of every value, so that a whole run's values stay within a limit.

    The elements are chosen at random once. Inner products of the elements, times ``scale``, are
    those of the values in expectation; of a million elements they differ by about a thousandth.

    Args:
        limit: most elements that are kept of a value.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._places: Tensor | None = None
        self.scale = 1.0

    def of(self, value: Tensor) -> Tensor:
        """The chosen elements, flat, float32, a copy."""
        flat = value.detach().flatten()
        if len(flat) <= self._limit:
            return flat.to(torch.float32, copy=True)
        if self._places is None:
            order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))
            self._places = order[: self._limit].sort().values.to(flat.device)
            self.scale = len(flat) / self._limit
        return flat[self._places].float()
