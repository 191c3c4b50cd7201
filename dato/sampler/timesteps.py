"""Where a run of the pipeline's sampler stands, read from its timesteps without a host sync."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dato.errors import MismatchError

_ROUNDED = 2**-8
"""How far, of its size, bfloat16 rounds a timestep that a pipeline turns into it."""


def timesteps_of(scheduler: Any) -> Tensor:
    """The timesteps of the current run; ``set_timesteps`` makes a new tensor for each run."""
    timesteps = getattr(scheduler, "timesteps", None)
    if not isinstance(timesteps, Tensor) or timesteps.ndim != 1:
        raise MismatchError(
            f"The {type(scheduler).__name__} has no timesteps: no run has started.",
            remedy="Call scheduler.set_timesteps before the first denoiser call.",
        )
    return timesteps


def position(timestep: Any, timesteps: Tensor) -> int | None:
    """Which of ``timesteps`` a denoiser was called with, or None where only its value could tell.

    Pipelines iterate over the tensor, so that each timestep is a view of it; its offset is its
    position, on any device.
    """
    if not isinstance(timestep, Tensor) or not same_memory(timestep, timesteps):
        return None
    return (timestep.storage_offset() - timesteps.storage_offset()) // timesteps.stride(0)


def same_memory(some: Tensor, others: Tensor) -> bool:
    """Whether two tensors are views of the same numbers, as all timesteps of one run are."""
    if some.device != others.device:
        return False
    return some.untyped_storage().data_ptr() == others.untyped_storage().data_ptr()


def keeps_state(scheduler: Any) -> bool:
    """Whether a step follows from more than its arguments, as a multistep sampler's does."""
    return hasattr(scheduler, "step_index") or hasattr(scheduler, "ets")


def stepped(scheduler: Any) -> int | None:
    """Which of its timesteps a sampler steps from next, where it says so."""
    for name in ("step_index", "begin_index"):
        index = getattr(scheduler, name, None)
        if isinstance(index, int):
            return index
    return None


def near(value: float, timestep: float) -> bool:
    """Whether a value is a timestep up to rounding."""
    return abs(timestep - value) <= _ROUNDED * abs(value)


def first_position(timestep: Any, timesteps: Tensor) -> int:
    """Like :func:`position` for the first call of a run, by value where it has to be."""
    place = position(timestep, timesteps)
    if place is not None:
        return place
    value = float(timestep.flatten()[0] if isinstance(timestep, Tensor) else timestep)
    values = [float(each) for each in timesteps.tolist()]
    closest = min(values, key=lambda each: abs(each - value))
    if near(value, closest):
        return values.index(closest)
    raise MismatchError(
        f"The denoiser is called with {value}, which is none of the timesteps of the pipeline's "
        "scheduler.",
        remedy="Call scheduler.set_timesteps before each run, and pass its timesteps.",
    )
