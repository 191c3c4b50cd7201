"""What outputs are held as: the quantity that makes a sampler take a longer step when it stays.

Between the steps of a deterministic sampler that is the noise. A sampler that adds noise of its own
changes the noise in the sample at every step; there it is the clean sample. A flow-matching model
predicts the velocity, which is held as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dato.sampler.epsilon import (
    CONVERTIBLE,
    from_clean,
    from_epsilon,
    shares_at,
    to_clean,
    to_epsilon,
)
from dato.sampler.traits import FLOW, adds_noise, predicted
from dato.schedule import Quantity


class HeldOutput:
    """Converts the outputs of one run to what is held of them, and back at the call that reads.

    Args:
        scheduler: the pipeline's scheduler, after ``set_timesteps``.
        alphas: (calls,), see :func:`dato.sampler.epsilon.shares_at`.
    """

    def __init__(self, scheduler: Any, alphas: Tensor) -> None:
        self._kind = predicted(scheduler)
        self._clean = adds_noise(scheduler)
        self._alphas = alphas
        self._dtype = torch.float32
        self._rest: Tensor | None = None

    @classmethod
    def of(
        cls, quantity: Quantity, scheduler: Any, timesteps: Tensor, device: torch.device
    ) -> HeldOutput | None:
        """The conversion of a run; None where outputs are held as they are."""
        kind = predicted(scheduler)
        same = kind in (("sample",) if adds_noise(scheduler) else ("epsilon", FLOW))
        if quantity == "output" or same or kind not in CONVERTIBLE:
            return None
        alphas = shares_at(scheduler, timesteps, device)
        return None if alphas is None else cls(scheduler, alphas)

    def hold(self, output: Tensor, sample: Tensor, place: int) -> Tensor:
        """What is held of an output, float32.

        Args:
            output: (batch, channels, height, width), as the denoiser returns it.
            sample: (batch, channels, height, width), the denoiser's input.
            place: the call's place among the timesteps.
        """
        convert = to_clean if self._clean else to_epsilon
        value = convert(output, sample, self._alphas[place], self._kind)
        self._dtype = output.dtype
        # A learnt variance is held as it was last computed.
        self._rest = output[:, value.shape[1] :] if output.shape[1] > value.shape[1] else None
        return value

    def keep(self, rows: slice) -> None:
        """Go on with these rows of the batch."""
        self._rest = None if self._rest is None else self._rest[rows]

    def output(self, value: Tensor, sample: Tensor, place: int) -> Tensor:
        """The output at another call that implies a held value: the inverse of :meth:`hold`."""
        convert = from_clean if self._clean else from_epsilon
        output = convert(value, sample, self._alphas[place], self._kind).to(self._dtype)
        return output if self._rest is None else torch.cat([output, self._rest], 1)
