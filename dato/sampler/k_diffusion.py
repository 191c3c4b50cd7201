"""A sampler in k-diffusion's form (Karras et al. 2022, arXiv 2206.00364): noise levels, and a
function that asks a model for clean samples. Imports torch and nothing else.

There a noisy sample is ``clean + sigma * noise``; under flow matching it is
``(1 - sigma) * clean + sigma * noise``. A model returns the clean sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from dato.errors import MismatchError
from dato.portable import PortableCall, PortableSampler

_CLOSE = 1e-3
"""How far, of its size, a noise level may be from the sampler's."""

Model = Callable[..., Tensor]
Callback = Callable[[dict[str, Any]], object]


class KDiffusion:
    """A sampler whose latents are k-diffusion's.

    Args:
        sampler: that the noise levels and sums come from.
    """

    def __init__(self, sampler: PortableSampler) -> None:
        self._sampler = sampler
        levels = [call.sigma for call in sampler.calls]
        self.sigmas = torch.tensor([*levels, 0.0], dtype=torch.float32, device="cpu")

    def sample(
        self,
        model: Model,
        x: Tensor,
        sigmas: Tensor,
        extra_args: Mapping[str, Any] | None = None,
        callback: Callback | None = None,
        disable: bool | None = None,
    ) -> Tensor:
        """The sample after the last of ``sigmas``.

        Args:
            model: ``model(x, sigma, **extra_args)`` returns the clean samples, shaped as ``x``;
                ``sigma`` is (batch,).
            x: (batch, ...), noise of standard deviation ``sigmas[0]``, or a sample of that level.
            sigmas: all or a part without gaps of those that belong to the sampler. Sums that need
                calls before the part's first are Euler's steps instead.
            callback: called once for each computed call, with ``x``, ``i``, ``sigma``,
                ``sigma_hat`` and ``denoised``.
            disable: of a progress bar, which there is none of.

        Raises:
            MismatchError: ``sigmas`` are others.
        """
        first = self._first(sigmas)
        latents: dict[int, Tensor] = {}
        outputs: dict[int, Tensor] = {}
        for number in range(first, first + len(sigmas) - 1):
            call, sigma = self._sampler.calls[number], sigmas[number - first]
            denoised = model(x, sigma.to(x.device) * x.new_ones(len(x)), **(extra_args or {}))
            if callback is not None:
                place = {"i": number - first, "sigma": sigma, "sigma_hat": sigma}
                callback({"x": x, "denoised": denoised, **place})
            exact = x.float()
            latents[number] = exact / self._scale(number)
            outputs[number] = self._output(call, exact, denoised.float())
            if max(len(call.latents), len(call.outputs)) > number - first + 1:
                following = self._euler(number, exact, denoised.float())
            else:
                total = _sum(call.latents, latents, number) + _sum(call.outputs, outputs, number)
                following = total * self._scale(number + 1)
            x = following.to(x.dtype)
        return x

    def _euler(self, number: int, x: Tensor, denoised: Tensor) -> Tensor:
        sigma, following = self.sigmas[number : number + 2].tolist()
        result: Tensor = denoised + following / sigma * (x - denoised)
        return result

    def _first(self, sigmas: Tensor) -> int:
        """Where among the sampler's noise levels these begin."""
        given = sigmas.detach().cpu().float()
        for first in range(len(self.sigmas) - len(given) + 1):
            part = self.sigmas[first : first + len(given)]
            if len(given) and torch.allclose(given, part, rtol=_CLOSE, atol=0):
                return first
        raise MismatchError(
            f"The noise levels {[round(each, 3) for each in given.tolist()]} are not this "
            f"sampler's, {[round(each, 3) for each in self.sigmas.tolist()]}.",
            remedy="Pass those that came with it, or a part of them without gaps.",
        )

    def _scale(self, number: int) -> float:
        return self._sampler.scale(number) if number < len(self._sampler.calls) else 1.0

    def _output(self, call: PortableCall, x: Tensor, denoised: Tensor) -> Tensor:
        """What the model predicted, from the clean sample that it implies."""
        kind = self._sampler.prediction
        if kind == "sample":
            return denoised
        if kind == "v_prediction":
            return (x / call.norm**2 - denoised) * call.norm / call.sigma
        return (x - denoised) / call.sigma


def _sum(weights: tuple[float, ...], values: Mapping[int, Tensor], number: int) -> Tensor:
    terms = [weight * values[number - age] for age, weight in enumerate(weights) if weight]
    return torch.stack(terms).sum(0) if terms else torch.zeros_like(values[number])
