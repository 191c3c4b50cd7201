"""Gauss and Newton's method on a sampler's numbers, towards the unpatched model's latents.

Few numbers and thousands of residuals: least squares. How the latents change with each number is
measured by running the pipeline with the number a little different. Only the calls after the change
run again, so that this costs less than the gradient of one number through the run, and it asks
nothing of the model: no gradients, no more memory than images take.

What falls is the mean over images of the logarithm of their error, which is their mean PSNR. The
mean error itself is that of the few images that went another way; those decide nothing else, and
are told by blurring all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dato import TunedSampler
from search.model.generator import Generator
from search.model.samplers import steps_of
from search.records.timesteps import OWN_TIMESTEPS
from search.tuning.numbers import moved, numbers_of
from search.tuning.repeated_run import RepeatedRun, latents_under

APART = 3
"""One image of so many is kept apart."""
DIFFERENCE = 0.02
"""How much a number is changed to see what it does."""
WIDE_DIFFERENCE = 0.1
"""The same in half precision and of quantized models, whose rounding would hide a small change."""
LEAST = 1e-10
"""Mean squared error of latents that counts as none."""
DAMPING = 0.1
"""Of the first step, as a share of the diagonal (Marquardt 1963, doi 10.1137/0111030). A step that
helps divides it by :data:`FACTOR`, one that does not multiplies it."""
LEAST_DAMPING = 0.02
"""With less, numbers that hardly matter are fitted to the few training images."""
FACTOR = 5.0
TRIES = 4
"""Steps from one point that do not help, after which it is taken for the best."""


@dataclass(frozen=True)
class Point:
    """A sampler, and how much the next step from it is damped."""

    sampler: TunedSampler
    damping: float = DAMPING


class GaussNewton:
    """Steps towards given latents of a workload, the last third of which is kept apart.

    Args:
        generator: of the workload, on the sampler that tuning starts from.
        aims: (images, ...) float32 latents of each chunk.
        calls: of the samplers.

    Raises:
        TrialError: the model's run failed.
    """

    def __init__(self, generator: Generator, aims: Sequence[Tensor], calls: int) -> None:
        self._numbers = numbers_of(calls)
        self._difference = difference_in(generator.denoiser.dtype)
        chunks = generator.chunk_count
        apart = max(1, chunks // APART)
        self._train, self._apart = range(max(1, chunks - apart)), range(chunks - apart, chunks)
        steps = steps_of(generator.pipe.scheduler, calls)
        self._few = generator.with_run(num_inference_steps=steps, timesteps=OWN_TIMESTEPS)
        self._aims = aims

    def loss_apart(self, sampler: TunedSampler) -> float:
        """Of the images that are kept apart: the geometric mean of their mean squared errors."""
        return self._loss(sampler, self._apart)

    def step(self, point: Point) -> Point | None:
        """A better one on the training images; None where no step helps."""
        curvature, slope, loss = self._system(point.sampler)
        damping = point.damping
        for _ in range(TRIES):
            damped = curvature + torch.diag(damping * curvature.diag().clamp_min(1e-12))
            steps = torch.linalg.solve(damped, -slope)
            other = moved(point.sampler, self._numbers, steps.tolist())
            if self._loss(other, self._train) < loss:
                return Point(other, max(damping / FACTOR, LEAST_DAMPING))
            damping *= FACTOR
        return None

    def _system(self, sampler: TunedSampler) -> tuple[Tensor, Tensor, float]:
        """Of the training images: (numbers, numbers) products of what the numbers change, (numbers)
        those with the residuals, both over each image's error; and the loss."""
        count = len(self._numbers)
        curvature, slope = torch.zeros(count, count).double(), torch.zeros(count).double()
        errors = []
        for chunk in self._train:
            run = RepeatedRun(self._few, chunk, sampler)
            residual = (run.latents - self._aims[chunk]).flatten(1)
            changes = torch.stack(
                [
                    (self._changed(run, sampler, place) - run.latents).flatten(1) / self._difference
                    for place in range(count)
                ]
            )
            errors.append(_squared(residual))
            weighted = changes / errors[-1][:, None]
            curvature += torch.einsum("aij,bij->ab", weighted, changes).double().cpu()
            slope += torch.einsum("aij,ij->a", weighted, residual).double().cpu()
        return curvature, slope, _loss(errors)

    def _changed(self, run: RepeatedRun, sampler: TunedSampler, place: int) -> Tensor:
        steps = [0.0] * len(self._numbers)
        steps[place] = self._difference
        return run.again(moved(sampler, self._numbers, steps), self._numbers[place].first)

    def _loss(self, sampler: TunedSampler, chunks: range) -> float:
        return _loss(
            _squared((latents_under(self._few, chunk, sampler) - self._aims[chunk]).flatten(1))
            for chunk in chunks
        )


def difference_in(dtype: torch.dtype) -> float:
    """How much a number is changed where a denoiser's weights have this type."""
    exact = dtype.is_floating_point and torch.finfo(dtype).eps <= torch.finfo(torch.float32).eps
    return DIFFERENCE if exact else WIDE_DIFFERENCE


def _squared(residual: Tensor) -> Tensor:
    """(images,) mean squared errors of (images, elements)."""
    return residual.square().mean(1).clamp_min(LEAST)


def _loss(errors: Iterable[Tensor]) -> float:
    """The geometric mean of all images' errors."""
    return float(torch.cat(list(errors)).log().mean().exp())
