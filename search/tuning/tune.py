"""Adam on a sampler's numbers, towards the unpatched model's latents of training prompts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dato import Schedule
from search.errors import TrialError, UserError
from search.model.generator import Generator
from search.model.out_of_memory import is_out_of_memory
from search.model.threads import one_thread
from search.model.workload import Workload
from search.tuning.gradient_run import denoised, frozen
from search.tuning.leaves import Leaves
from search.tuning.start import tuned_schedule, written

OFFSET = 5_000_000
"""Of the seed of training prompts and noise, beside those of calibration (4), the search (1), the
audit (2) and the real renders (3)."""

CHECK_EVERY = 5
"""Iterations between two looks at the images that are kept apart."""
PATIENCE = 3
"""Looks without a better one that end a tuning."""


@dataclass(frozen=True)
class Tuning:
    """What a tuning took and gave.

    Args:
        schedule: with the tuned sampler.
        losses: mean squared error of the latents that are kept apart, at each look; the first is
            the start's.
        iterations: of Adam.
    """

    schedule: Schedule
    losses: tuple[float, ...]
    iterations: int


def tune(
    generator: Generator,
    schedule: Schedule,
    workload: Workload,
    iterations: int,
    watch: Callable[[str], None] = lambda line: None,
) -> Tuning:
    """Tune the sampler that a schedule is, deterministically.

    The last third of the images is kept apart: it says when to stop, and which numbers were best.
    The gradient runs through unpruned calls; what the schedule prunes is pruned again afterwards.

    Args:
        generator: of the model, with the sampler and the guidance that the schedule was made for.
        workload: training prompts and noise.
        watch: takes a line for each look.

    Raises:
        TrialError: the schedule is no sampler, or the model's run cannot be differentiated.
        UserError: memory does not hold even one image.
    """
    size = generator.model.batch_size
    while True:
        model = replace(generator.model, batch_size=size)
        trained = Generator(model, workload, pipe=generator.pipe)
        try:
            with one_thread(), frozen(generator.denoiser):
                return _Tuner(trained, schedule, iterations, watch).run()
        except (TrialError, MemoryError, RuntimeError) as error:
            if not (is_out_of_memory(error) or is_out_of_memory(error.__cause__ or error)):
                raise
        if size == 1:
            raise UserError(
                "Memory does not hold the run of one image with gradients. Tune on a larger device."
            )
        size //= 2


class _Tuner:
    def __init__(
        self,
        generator: Generator,
        schedule: Schedule,
        iterations: int,
        watch: Callable[[str], None],
    ) -> None:
        scheduler = generator.pipe.scheduler
        scheduler.set_timesteps(schedule.calls)
        self._schedule, self._iterations, self._watch = schedule, iterations, watch
        start = written(schedule, scheduler)
        self._leaves = Leaves.of(start)
        self._few = copy.copy(generator)
        self._few.model = replace(generator.model, num_inference_steps=start.calls)
        self._apart = max(1, generator.chunk_count // 3)
        watch(f"{generator.chunk_count} batches of the unpatched model")
        with torch.no_grad():
            self._aims = [generator.loop(chunk) for chunk in range(generator.chunk_count)]

    def run(self) -> Tuning:
        """All iterations, or fewer where the images that are kept apart get no better."""
        optimizer = torch.optim.Adam(self._leaves.groups(), betas=(0.9, 0.95))
        train = max(1, len(self._aims) - self._apart)
        losses = [self._look()]
        best, done = self._leaves.sampler(), 0
        for iteration in range(self._iterations):
            optimizer.zero_grad()
            self._loss(iteration % train).backward()
            optimizer.step()
            done = iteration + 1
            if done % CHECK_EVERY and done < self._iterations:
                continue
            losses.append(self._look())
            self._watch(f"{done} iterations: {losses[-1]:.4g} (at first {losses[0]:.4g})")
            if losses[-1] == min(losses):
                best = self._leaves.sampler()
            if len(losses) - 1 - losses.index(min(losses)) >= PATIENCE:
                break
        return Tuning(tuned_schedule(self._schedule, best), tuple(losses), done)

    def _loss(self, chunk: int) -> Tensor:
        latents = denoised(self._few, chunk, self._leaves)
        return (latents.float() - self._aims[chunk].float()).square().mean()

    @torch.no_grad()
    def _look(self) -> float:
        chunks = range(len(self._aims) - self._apart, len(self._aims))
        return sum(float(self._loss(chunk)) for chunk in chunks) / len(chunks)
