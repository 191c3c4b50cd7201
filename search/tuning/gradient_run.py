"""One denoising run of a pipeline's own call, with gradients to a sampler's numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from dato.sampler.fused_run import FusedRun
from dato.sampler.noise_levels import noise_levels
from dato.sampler.stand_in import ADDED, StandIn
from dato.sampler.step_types import StepTypes
from dato.sampler.trace import Trace, Update
from dato.sampler.tuned import Coefficients, coefficients
from dato.sampler.twin import twin_of
from dato.tuned import MAX_OUTPUTS
from search.model.generator import Generator
from search.tuning.leaves import Leaves


class GradientRun(FusedRun):
    """A tuned sampler's run whose coefficients are tensors.

    Args:
        sums: what the latents after each call are made of.
        timesteps: (calls,) of the scheduler's device.
        scheduler: the pipeline's, after ``set_timesteps``.
    """

    def __init__(self, sums: Coefficients, timesteps: Tensor, scheduler: Any) -> None:
        types = StepTypes(twin_of(scheduler, ADDED, exact=False))
        updates = tuple(Update({}, {}, scale) for scale in sums.scales.tolist())
        trace = Trace(tuple(range(len(updates))), updates, types.form)
        super().__init__(trace, scheduler.timesteps, types, timesteps)
        self._sums = sums
        self._seen: list[tuple[Tensor, Tensor]] = []

    def step(self, output: Tensor, latents: Tensor) -> Tensor:
        """The same sum as a fused run's, in float32, and differentiable."""
        self._seen.insert(0, (latents.float(), output.float()))
        total = latents.new_zeros((), dtype=torch.float32)
        for age, (before, made) in enumerate(self._seen[:MAX_OUTPUTS]):
            total = total + self._sums.latents[self.call, age] * before
            total = total + self._sums.outputs[self.call, age] * made
        self.call += 1
        return total.to(latents.dtype)


def denoised(generator: Generator, chunk: int, leaves: Leaves) -> Tensor:
    """The latents of a chunk under the sampler that the leaves give, with gradients to them.

    The denoiser's parameters are :func:`frozen`, until the gradients are there.

    Args:
        generator: whose number of steps is that of the sampler's calls.
    """
    scheduler = generator.pipe.scheduler
    levels = noise_levels(scheduler)

    def opened(scheduler: Any) -> FusedRun:
        timesteps = leaves.timesteps()
        sums = coefficients(levels, timesteps, leaves.weights())
        return GradientRun(sums, timesteps.float().to(generator.device), scheduler)

    with ExitStack() as stack:
        stack.enter_context(_checkpointed(generator.denoiser))
        stand_in = StandIn.on(scheduler)
        stand_in.add(opened)
        stack.callback(stand_in.discard, opened)
        return generator.loop(chunk, gradients=True)


@contextmanager
def frozen(denoiser: Any) -> Iterator[None]:
    """Parameters without gradients, inside the block, which the way back has to be in as well."""
    trained = [each for each in denoiser.parameters() if each.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


@contextmanager
def _checkpointed(denoiser: Any) -> Iterator[None]:
    """Each call of the denoiser is computed again on the way back, so that none is kept."""
    forward = denoiser.forward

    def again(*args: Any, **kwargs: Any) -> Any:
        return checkpoint(forward, *args, use_reentrant=False, **kwargs)

    denoiser.forward = again
    try:
        yield
    finally:
        del denoiser.forward
