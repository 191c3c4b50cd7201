"""A scheduler as the pipeline's own call starts a run with it."""

from __future__ import annotations

from functools import wraps
from typing import Any

from search.model.generator import Generator


class _BegunError(BaseException):
    """Ends a pipeline's call at its first step; nothing that a pipeline catches."""


def begun(generator: Generator) -> Any:
    """The scheduler of a generator's pipeline after ``set_timesteps``, with the arguments that the
    pipeline gives it: given timesteps, sigmas, and how far the size of an image shifts them. The
    denoiser is not called.

    Raises:
        TrialError: as :meth:`search.model.generator.Generator.loop` does.
    """
    scheduler = generator.pipe.scheduler
    real = scheduler.set_timesteps

    @wraps(real)
    def set_and_stop(*inputs: Any, **keywords: Any) -> None:
        real(*inputs, **keywords)
        raise _BegunError

    scheduler.set_timesteps = set_and_stop
    try:
        generator.loop(0)
    except _BegunError:
        pass
    finally:
        del scheduler.set_timesteps
    return scheduler
