"""Runs of one chunk of images under samplers that differ from some call on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from dato import Kind, Schedule, TunedSampler
from search.model.generator import Generator


class RepeatedRun:
    """The pipeline's own run, in which a call that is asked for what it was asked before gives what
    it gave.

    Args:
        generator: whose number of steps is that of the sampler's calls.
        chunk: which images.
        sampler: of the first run.
    """

    def __init__(self, generator: Generator, chunk: int, sampler: TunedSampler) -> None:
        self._generator, self._chunk = generator, chunk
        self._outputs: list[Any] = []
        with self._keeping():
            self.latents = self._run(sampler)
        self._each = len(self._outputs) // sampler.calls

    def again(self, sampler: TunedSampler, first: int) -> Tensor:
        """The latents under a sampler whose calls before number ``first`` are the first run's."""
        with self._repeating(first * self._each):
            return self._run(sampler)

    def _run(self, sampler: TunedSampler) -> Tensor:
        return latents_under(self._generator, self._chunk, sampler)

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        forward = self._generator.denoiser.forward

        def kept(*args: Any, **kwargs: Any) -> Any:
            self._outputs.append(forward(*args, **kwargs))
            return self._outputs[-1]

        with _forward(self._generator.denoiser, kept):
            yield

    @contextmanager
    def _repeating(self, most: int) -> Iterator[None]:
        forward, known = self._generator.denoiser.forward, iter(self._outputs[:most])

        def repeated(*args: Any, **kwargs: Any) -> Any:
            output = next(known, None)
            return forward(*args, **kwargs) if output is None else output

        with _forward(self._generator.denoiser, repeated):
            yield


@torch.no_grad()
def latents_under(generator: Generator, chunk: int, sampler: TunedSampler) -> Tensor:
    """(images, ...) float32 latents of a chunk under a sampler.

    Raises:
        TrialError: as :meth:`search.model.generator.Generator.loop` does.
    """
    plain = Schedule({"full": Kind()}, ("full",) * sampler.calls, tuned=sampler)
    with generator.applied(plain):
        return generator.loop(chunk).float()


@contextmanager
def _forward(denoiser: Any, forward: Any) -> Iterator[None]:
    before = vars(denoiser).get("forward")
    denoiser.forward = forward
    try:
        yield
    finally:
        if before is None:
            del denoiser.forward
        else:
            denoiser.forward = before
