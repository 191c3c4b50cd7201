"""What a run remembers of outputs and cuts: one way in (``write``) and one way out (``read``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dato.runtime.epsilon import Epsilon
from dato.runtime.steps import OUTPUT, Step


class Memory:
    """The values that coming calls of one run stand on.

    Outputs are held as noise where ``epsilon`` converts them, in float32; everything else is held
    as it was computed, without a copy.

    Args:
        epsilon: converts outputs to noise and back; None holds outputs as they are.
    """

    def __init__(self, epsilon: Epsilon | None) -> None:
        self._epsilon = epsilon if epsilon is not None and epsilon.converts else None
        self.values: dict[int, tuple[Tensor, ...]] = {}
        """Held values of each cut, the newest first."""
        self._rest: Tensor | None = None
        self._dtype: torch.dtype | None = None

    def read(self, step: Step, sample: Tensor, place: int) -> Tensor | None:
        """What a call stands on: the output at depth 0, or a cut's value; None for a full call.

        Args:
            sample: (batch, channels, height, width), the call's input.
            place: the call's place among the sampler's timesteps.
        """
        if step.inner is None:
            return None
        value = weighted_sum(self.values[step.inner], step.weights)
        if step.inner != OUTPUT or self._epsilon is None:
            return value
        output = self._epsilon.back(value, sample, place)
        if self._dtype is not None:
            output = output.to(self._dtype)
        return output if self._rest is None else torch.cat([output, self._rest], 1)

    def write(
        self,
        step: Step,
        sample: Tensor,
        place: int,
        output: Tensor | None,
        cuts: Mapping[int, Tensor],
    ) -> None:
        """Take in what a call computed, and let go of what no coming call reads.

        Args:
            sample, place: see :meth:`read`.
            output: None when the call computed none.
            cuts: the values of the cuts that it captured.
        """
        new = dict(cuts)
        if output is not None and step.holds.get(OUTPUT):
            new[OUTPUT] = self._held(output, sample, place)
        kept = {}
        for cut, count in step.holds.items():
            newest = (new[cut],) if cut in new else ()
            kept[cut] = (newest + self.values.get(cut, ()))[:count]
        self.values = kept
        if OUTPUT not in kept:
            self._rest = None

    def _held(self, output: Tensor, sample: Tensor, place: int) -> Tensor:
        if self._epsilon is None:
            return output
        noise = self._epsilon(output, sample, place)
        self._dtype = output.dtype
        # A learnt variance is held as it is: no sampler that forecasts reads it.
        self._rest = output[:, noise.shape[1] :] if output.shape[1] > noise.shape[1] else None
        return noise


def weighted_sum(values: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The sum of the newest ``values``, one for each of ``weights``; a single 1 copies nothing.

    Half-precision values are summed in float32: a straight line over a long gap subtracts nearly
    equal numbers.
    """
    terms = [(value, w) for value, w in zip(values, weights, strict=False) if w]
    if len(terms) == 1 and terms[0][1] == 1:
        return terms[0][0]
    if len(terms) == 2 and weights[0] == 1 - terms[1][1]:
        # One pass over both, in the arithmetic of float32 whatever their type.
        return torch.lerp(terms[0][0], terms[1][0], terms[1][1])
    total = torch.zeros_like(values[0], dtype=torch.float32)
    for value, weight in terms:
        total = total.add(value, alpha=weight)
    return total.to(values[0].dtype)
