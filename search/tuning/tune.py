"""Tunes the sampler that a run is, towards the unpatched model's latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dato import Schedule
from search.errors import TrialError, UserError
from search.model.base_sampler import based
from search.model.begun import begun
from search.model.generator import Generator
from search.model.out_of_memory import is_out_of_memory
from search.model.threads import one_thread
from search.model.workload import Workload
from search.records.base_sampler import Run
from search.tuning.gauss_newton import APART, GaussNewton, Point
from search.tuning.start import tuned_schedule, written

OFFSET = 5_000_000
"""Of the seed of training prompts and noise, beside those of calibration (4), the search (1), the
audit (2) and the real renders (3)."""


@dataclass(frozen=True)
class Tuning:
    """What a tuning took and gave.

    Args:
        schedule: with the tuned sampler.
        losses: of the images that are kept apart, at the start and after each iteration: the
            geometric mean of their latents' mean squared errors.
        iterations: of Gauss and Newton.
    """

    schedule: Schedule
    losses: tuple[float, ...]
    iterations: int


def tune(
    generator: Generator,
    run: Run,
    workload: Workload,
    iterations: int,
    watch: Callable[[str], None] = lambda line: None,
    *,
    guidance: tuple[float, float] | None = None,
) -> Tuning:
    """Tune the sampler that a run is, deterministically, towards the unpatched model's latents on
    the sampler of the study.

    The last third of the images is kept apart: it says which numbers were best. Tuning runs
    unpruned calls; what the schedule prunes is pruned again afterwards.

    Args:
        generator: of the unpatched model on the study's sampler, with the guidance of the run.
        run: of full and skipped calls, on any sampler at any timesteps.
        workload: training prompts and noise.
        watch: takes a line for each iteration.
        guidance: the lowest and the highest scale that the sampler is for; by default the
            generator's alone. It is tuned at the highest, where errors are largest
            (``docs/forecasts.md`` has the figures, and those of batches of several scales).

    Raises:
        TrialError: the run is no sampler, or the model cannot run it.
        UserError: memory does not hold even one image.
    """
    scale = guidance[1] if guidance else generator.model.guidance_scale
    size = min(generator.model.batch_size, -(-len(workload) // APART))
    while True:
        model = replace(generator.model, batch_size=size, guidance_scale=scale)
        trained = Generator(model, workload, pipe=generator.pipe)
        try:
            with one_thread():
                return _tuning(trained, run, iterations, watch)
        except (TrialError, MemoryError, RuntimeError) as error:
            if not (is_out_of_memory(error) or is_out_of_memory(error.__cause__ or error)):
                raise
        if size == 1:
            raise UserError("Memory does not hold the run of one image. Tune on a larger device.")
        size //= 2


def _tuning(
    generator: Generator, run: Run, iterations: int, watch: Callable[[str], None]
) -> Tuning:
    """On the run's sampler, after the study's has shown where to go."""
    aims = _latents(generator)
    watch(f"{len(generator.workload)} images of the unpatched model")
    with based(generator, run.base) as other:
        return _iterated(other, run.schedule_on(other.calls), aims, iterations, watch)


@torch.no_grad()
def _latents(generator: Generator) -> list[Tensor]:
    """(images, ...) float32 of each chunk."""
    return [generator.loop(chunk).float() for chunk in range(generator.chunk_count)]


def _iterated(
    generator: Generator,
    schedule: Schedule,
    aims: Sequence[Tensor],
    iterations: int,
    watch: Callable[[str], None],
) -> Tuning:
    """All iterations, or fewer where no step helps any more."""
    best = written(schedule, begun(generator))
    method = GaussNewton(generator, aims, best.calls)
    point, losses = Point(best), [method.loss_apart(best)]
    for iteration in range(iterations):
        following = method.step(point)
        if following is None:
            break
        point = following
        losses.append(method.loss_apart(point.sampler))
        watch(f"{iteration + 1} iterations: {losses[-1]:.4g} (at first {losses[0]:.4g})")
        if losses[-1] == min(losses):
            best = point.sampler
    return Tuning(tuned_schedule(schedule, best), tuple(losses), len(losses) - 1)
