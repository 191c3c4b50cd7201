"""Vectors of coefficients for a scheduler to step, and what shows that it is linear.

Each column is a run of its own in which one known thing is 1 and all others are 0. Beside these go
runs in which all have random values, small ones and large ones, whose ends have to be the sums that
the coefficients say; and one run of zeros, which has to stay zero. Clipping, thresholding, noise,
and steps that mix the elements of a tensor all break one of the two.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

SIZES = (1e-2, 1.0, 1e3)
"""Of the random values: pictures' own, and what only a linear step leaves alone."""
_CLOSE = 1e-3
"""How far a random run may be off its sum: some schedulers step in float32."""
_NOTHING = 1e-8
"""A coefficient of this share of the largest one is rounding."""


class NotLinearError(Exception):
    """A scheduler whose steps are no weighted sums; the text says what is in the way."""


class Probe:
    """Coefficients of what is known at ``count`` computed calls.

    All vectors are (1, 1, columns, 1) in float64.
    """

    def __init__(self, count: int) -> None:
        known = 2 * count
        seeded = torch.Generator("cpu").manual_seed(0)
        exact: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}
        random = torch.randn(known, len(SIZES), generator=seeded, **exact)
        units = torch.eye(known, **exact)
        self._random = random * torch.tensor(SIZES, **exact)
        zero = torch.zeros(known, 1, **exact)
        self._rows = torch.cat([units, self._random, zero], 1)
        self._known = known

    def latents(self, order: int) -> Tensor:
        """The latents at a computed call."""
        return self._rows[2 * order].reshape(1, 1, -1, 1).clone()

    def output(self, order: int) -> Tensor:
        """The output of a computed call."""
        return self._rows[2 * order + 1].reshape(1, 1, -1, 1).clone()

    def scale(self, given: Tensor, order: int) -> float:
        """What the latents of a computed call were multiplied by to become the model's input."""
        latents, outputs = self.weights(given)
        if outputs or set(latents) - {order}:
            raise NotLinearError("its scale_model_input is no factor")
        return latents.get(order, 0.0)

    def weights(self, vector: Tensor) -> tuple[dict[int, float], dict[int, float]]:
        """The weights of latents and of outputs in a vector, by the order of their calls.

        Raises:
            NotLinearError: the vector is no weighted sum.
        """
        values = vector.flatten().double()
        weights, random = values[: self._known], values[self._known : -1]
        terms = weights[:, None] * self._random
        bound = _CLOSE * terms.abs().sum(0) + torch.finfo(torch.float64).tiny
        if not bool(values.isfinite().all()):
            raise NotLinearError("its steps are not finite")
        if float(values[-1]) != 0 or bool(((random - terms.sum(0)).abs() > bound).any()):
            raise NotLinearError("its steps are no weighted sums (it clips, or draws noise)")
        least = _NOTHING * float(weights.abs().max())
        kept = {at: weight for at, weight in enumerate(weights.tolist()) if abs(weight) > least}
        return (
            {at // 2: weight for at, weight in kept.items() if at % 2 == 0},
            {at // 2: weight for at, weight in kept.items() if at % 2 == 1},
        )
