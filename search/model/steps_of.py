"""Stands between a pipeline's loop and its sampler for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from torch import Tensor

Step = Callable[..., Any]


@contextmanager
def step_replaced(scheduler: Any, wrap: Callable[[Step], Step]) -> Iterator[None]:
    """Inside the block ``scheduler.step`` is what ``wrap`` makes of it; then it is put back, also
    where it was no method of the class but a schedule's."""
    real, before = scheduler.step, vars(scheduler).get("step")
    # Pipelines look the arguments of the scheduler's own up.
    scheduler.step = wraps(real)(wrap(real))
    try:
        yield
    finally:
        del scheduler.step
        if before is not None:
            scheduler.step = before


@contextmanager
def after_each_step(scheduler: Any, told: Callable[[Tensor], object]) -> Iterator[None]:
    """Inside the block ``told`` gets the latents that each step makes."""

    def wrap(step: Step) -> Step:
        def stepped(*inputs: Any, **keywords: Any) -> Any:
            result = step(*inputs, **keywords)
            told(result[0])
            return result

        return stepped

    with step_replaced(scheduler, wrap):
        yield


@contextmanager
def before_each_step(scheduler: Any, told: Callable[[Tensor, Tensor], object]) -> Iterator[None]:
    """Inside the block ``told`` gets what each step starts from: the output that the pipeline hands
    over, guidance and all, and the denoiser's input of one half."""

    def wrap(step: Step) -> Step:
        def stepped(
            model_output: Tensor, timestep: Any, sample: Tensor, *more: Any, **rest: Any
        ) -> Any:
            scale = getattr(scheduler, "scale_model_input", None)
            told(model_output, sample if scale is None else scale(sample, timestep))
            return step(model_output, timestep, sample, *more, **rest)

        return stepped

    with step_replaced(scheduler, wrap):
        yield
