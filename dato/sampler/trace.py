"""What the latents at each computed call are, as a sum of what came before: read off a scheduler.

A deterministic sampler is linear in the latents and in the outputs, element by element. So its
``step`` runs once over vectors of coefficients in place of latents: an element for the latents and
one for the output of each computed call. No sampler's algebra is written down here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dato.sampler.held_output import HeldOutput
from dato.sampler.probe import NotLinearError, Probe
from dato.schedule import Quantity

_ARGUMENTS = ["model_output", "timestep", "sample"]


@dataclass(frozen=True)
class Skipped:
    """A call that computes nothing.

    Args:
        sources: the calls whose outputs stand in for its own, the newest first.
        weights: one for each of them, or for the first of them.
    """

    sources: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Update:
    """The latents at the next computed call (or the result) as a weighted sum.

    Args:
        latents, outputs: weights of those of the run's computed calls, by their order.
        scale: of the latents in the input of this update's call.
    """

    latents: Mapping[int, float]
    outputs: Mapping[int, float]
    scale: float


@dataclass(frozen=True)
class Trace:
    """A run of a scheduler over its computed calls.

    Args:
        calls: numbers of the computed calls.
        updates: one for each of them.
        form: makes what ``step`` returns, in the scheduler's class, from the latents.
    """

    calls: tuple[int, ...]
    updates: tuple[Update, ...]
    form: Callable[[Any], Any]


def trace(scheduler: Any, calls: Sequence[Skipped | None], quantity: Quantity) -> Trace:
    """Step a scheduler through a run of coefficients.

    Args:
        scheduler: a copy that nobody else uses, after ``set_timesteps``, on the CPU.
        calls: of the run, in order; None is a computed one, as the first is.
        quantity: what outputs are held as.

    Raises:
        NotLinearError: a step is not linear, not elementwise, or draws noise.
    """
    if list(inspect.signature(scheduler.step).parameters)[:3] != _ARGUMENTS:
        raise NotLinearError("its step takes other arguments")
    numbers = tuple(number for number, call in enumerate(calls) if call is None)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        updates, form = _Walk(scheduler, calls, numbers, quantity).updates()
    return Trace(numbers, updates, form)


class _Walk:
    """One pass through all calls."""

    def __init__(
        self,
        scheduler: Any,
        calls: Sequence[Skipped | None],
        numbers: Sequence[int],
        quantity: Quantity,
    ) -> None:
        self._scheduler = scheduler
        self._calls = calls
        self._probe = Probe(len(numbers))
        self._order = {number: order for order, number in enumerate(numbers)}
        self._timesteps = scheduler.timesteps
        cpu = torch.device("cpu")
        self._conversion = HeldOutput.of(quantity, scheduler, self._timesteps, cpu)
        self._held: dict[int, Tensor] = {}
        self._form: Callable[[Any], Any] = tuple

    def updates(self) -> tuple[tuple[Update, ...], Callable[[Any], Any]]:
        """One for each computed call."""
        latents, scales = self._probe.latents(0), []
        ends: list[Tensor] = []
        for number, call in enumerate(self._calls):
            if call is None:
                order = self._order[number]
                if order:
                    ends.append(latents)
                latents = self._probe.latents(order)
            given = self._given(latents, number)
            if call is None:
                scales.append(self._probe.scale(given, order))
                output = self._probe.output(order)
                self._held[number] = self._hold(output, given, number)
            else:
                output = self._forecast(call, given, number)
            latents = self._step(output, number, latents)
        ends.append(latents)
        weights = [self._probe.weights(end) for end in ends]
        return (
            tuple(Update(*parts, scale) for parts, scale in zip(weights, scales, strict=True)),
            self._form,
        )

    def _given(self, latents: Tensor, number: int) -> Tensor:
        """The model's input; flow matching scales none."""
        scale = getattr(self._scheduler, "scale_model_input", None)
        given: Tensor = latents if scale is None else scale(latents, self._timesteps[number])
        return given

    def _hold(self, output: Tensor, given: Tensor, number: int) -> Tensor:
        held = self._conversion
        return output if held is None else held.hold(output, given, number)

    def _forecast(self, call: Skipped, given: Tensor, number: int) -> Tensor:
        terms = zip(call.sources, call.weights, strict=False)
        value = sum(
            (weight * self._held[source] for source, weight in terms),
            torch.zeros((), dtype=torch.float64, device="cpu"),
        )
        held = self._conversion
        return value if held is None else held.output(value, given, number)

    def _step(self, output: Tensor, number: int, latents: Tensor) -> Tensor:
        result = self._scheduler.step(output, self._timesteps[number], latents)
        following: Tensor = result.prev_sample
        self._form = type(result)
        return following.double()
