"""k-diffusion's convention, written out: models that return clean samples."""

from __future__ import annotations

from typing import Any

from torch import Tensor

PURE = 2.0**-24
"""What k-diffusion's tables need in the place of a product of alphas of 0."""


class Denoised:
    """A model that returns the clean sample.

    Args:
        model: takes latents and timesteps, predicts ``kind``.
        alphas: (timesteps,), products of alphas.
    """

    def __init__(self, model: Any, alphas: Tensor, kind: str) -> None:
        self._model, self._kind = model, kind
        self._logarithms = ((1 - alphas) / alphas).sqrt().log()

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        one: Tensor = sigma[:, None, None, None]
        norm: Tensor = (one**2 + 1).sqrt()
        output: Tensor = self._model(x / norm, self._timestep(sigma))
        if self._kind == "epsilon":
            return x - one * output
        if self._kind == "sample":
            return output
        return x / norm**2 - one / norm * output

    def _timestep(self, sigma: Tensor) -> Tensor:
        known, wanted = self._logarithms, sigma.log()
        lower = (known[None] <= wanted[:, None]).sum(1).sub(1).clamp(0, len(known) - 2)
        return lower + (wanted - known[lower]) / (known[lower + 1] - known[lower])


def alphas_of(pipe: Any) -> Tensor:
    alphas: Tensor = pipe.scheduler.alphas_cumprod.clamp_min(PURE)
    return alphas
