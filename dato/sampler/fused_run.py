"""One fused run: a weighted sum at each computed call, and nothing at the calls between."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from dato.errors import MismatchError
from dato.sampler.step_types import StepTypes
from dato.sampler.timesteps import near, position
from dato.sampler.trace import Trace


class FusedRun:
    """A run of a scheduler over its computed calls.

    Args:
        trace: what each update is.
        every: (all calls of the run,), the scheduler's timesteps.
        types: what type the scheduler's own step returns.
        timesteps: (computed calls,), where they are none of the scheduler's.
        only: whether the pipeline can run no other way: a tuned sampler, no adapter.
    """

    def __init__(
        self,
        trace: Trace,
        every: Tensor,
        types: StepTypes,
        timesteps: Tensor | None = None,
        *,
        only: bool = False,
    ) -> None:
        self._only = only
        self.trace = trace
        self.every = every
        if timesteps is None:
            numbers = torch.tensor(trace.calls, dtype=torch.int64, device=every.device)
            timesteps = every[numbers]
        self.timesteps = timesteps
        self.thread = threading.get_ident()
        self.call = 0
        self._types = types
        self._latents: dict[int, Tensor] = {}
        self._outputs: dict[int, Tensor] = {}
        self._last_latents = _last_uses(update.latents for update in trace.updates)
        self._last_outputs = _last_uses(update.outputs for update in trace.updates)

    def __len__(self) -> int:
        return len(self.trace.calls)

    @property
    def over(self) -> bool:
        """Whether all computed calls have been stepped from."""
        return self.call == len(self)

    @property
    def number(self) -> int:
        """The coming computed call's number among all calls."""
        return self.trace.calls[min(self.call, len(self) - 1)]

    def remedy(self, change: str) -> str:
        """What to do about a run that cannot go on: to change something, without a full stop, or
        to run call by call where that is possible."""
        return f"{change}." if self._only else f"{change}, or apply with fuse=False."

    def check(self, timestep: Any) -> None:
        """Refuse a step that does not follow the one before.

        Raises:
            MismatchError: another thread's step, one left out, or one too many.
        """
        where = position(timestep, self.timesteps)
        if threading.get_ident() != self.thread:
            raise MismatchError(
                "Another thread steps this fused run, which belongs to the one that began it.",
                remedy=self.remedy("Give each thread a pipeline with a scheduler"),
            )
        if self.over or where not in (None, self.call) or self._is_foreign(timestep, where):
            since = "" if where is None else f" from timestep {where + 1}"
            raise MismatchError(
                f"Step {self.call + 1} of {len(self)} was asked for{since}, but a fused run steps "
                "once from each of scheduler.timesteps, in order.",
                remedy=self.remedy(
                    "Call scheduler.set_timesteps before each run, give a panorama a "
                    "view_batch_size that holds all views"
                ),
            )

    def _is_foreign(self, timestep: Any, where: int | None) -> bool:
        """Whether a timestep that is no view of this run's has another value than its coming one;
        waits for the device."""
        if where is not None or timestep is None:
            return False
        value = timestep.flatten()[0] if isinstance(timestep, Tensor) else timestep
        return not near(float(value), float(self.timesteps[self.call]))

    def scaled(self, latents: Tensor) -> Tensor:
        """The model's input at the coming computed call."""
        scale = self.trace.updates[min(self.call, len(self) - 1)].scale
        return latents if scale == 1 else latents * scale

    def step(self, output: Tensor, latents: Tensor) -> Tensor:
        """The latents at the computed call after this one; the result, after the last.

        Half-precision values are summed in float32. Nothing waits for the device.
        """
        call, update = self.call, self.trace.updates[self.call]
        self._latents[call], self._outputs[call] = latents, output
        terms = [(self._latents[each], weight) for each, weight in update.latents.items()]
        terms += [(self._outputs[each], weight) for each, weight in update.outputs.items()]
        following = _weighted(terms, torch.promote_types(latents.dtype, torch.float32))
        self.call += 1
        self._latents = {k: v for k, v in self._latents.items() if self._last_latents[k] > call}
        self._outputs = {k: v for k, v in self._outputs.items() if self._last_outputs[k] > call}
        return following.to(self._types.of(output.dtype, latents.dtype))


def _weighted(terms: list[tuple[Tensor, float]], dtype: torch.dtype) -> Tensor:
    (first, weight), *others = terms
    total = first.to(dtype) * weight
    for value, weight in others:
        total.add_(value, alpha=weight)
    return total


def _last_uses(updates: Iterable[Mapping[int, float]]) -> dict[int, int]:
    """The last update that reads each call's value; -1 where none does."""
    last: dict[int, int] = {}
    for number, update in enumerate(updates):
        last.setdefault(number, -1)
        last.update(dict.fromkeys(update, number))
    return last
