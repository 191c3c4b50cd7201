"""What a run remembers of outputs and cuts: one way in (``write``) and one way out (``read``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dato.runtime.steps import OUTPUT, Step
from dato.sampler.held_output import HeldOutput


class Memory:
    """The values that coming calls of one run stand on.

    Everything is held as it was computed, without a copy, but for converted outputs.

    Args:
        outputs: converts outputs to what is held of them; None holds them as they are.
    """

    def __init__(self, outputs: HeldOutput | None) -> None:
        self._outputs = outputs
        self.values: dict[int, tuple[Tensor, ...]] = {}
        """Held values of each cut, the newest first."""

    def read(self, step: Step, sample: Tensor, place: int) -> Tensor | None:
        """What a call stands on: the output at depth 0, or a cut's value; None for a full call.

        Args:
            sample: (batch, channels, height, width), the call's input.
            place: the call's place among the sampler's timesteps.
        """
        if step.inner is None:
            return None
        value = weighted_sum(self.values[step.inner], step.weights)
        if step.inner != OUTPUT or self._outputs is None:
            return value
        return self._outputs.output(value, sample, place)

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
        if output is not None and OUTPUT in step.holds:
            held = self._outputs
            new[OUTPUT] = output if held is None else held.hold(output, sample, place)
        self.values = {
            cut: ((new[cut],) if cut in new else ()) + self.values.get(cut, ())
            for cut in step.holds
        }
        self.values = {cut: held[: step.holds[cut]] for cut, held in self.values.items()}

    def keep(self, rows: slice) -> None:
        """Go on with these rows of the batch."""
        self.values = {
            cut: tuple(value[rows] for value in held) for cut, held in self.values.items()
        }
        if self._outputs is not None:
            self._outputs.keep(rows)


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
