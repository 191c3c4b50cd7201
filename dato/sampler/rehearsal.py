"""A scheduler at the start of a run of so many calls, to ask what a run would meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dato.sampler.given_timesteps import given_arguments
from dato.sampler.stand_in import ADDED
from dato.sampler.twin import beside_its_tables, twin_of


def rehearsed(scheduler: Any, calls: int, timesteps: Sequence[float] = ()) -> Any:
    """A copy after ``set_timesteps``; None where that needs more than a preset says.

    Args:
        scheduler: a pipeline's; stays as it is.
        calls: PNDM makes a call more than it has steps, and Heun nearly two for each.
        timesteps: that a preset's sampler has in the place of the scheduler's own.
    """
    try:
        with beside_its_tables():
            for arguments in _arguments(_twin(scheduler), calls, timesteps):
                twin = _twin(scheduler)
                twin.set_timesteps(**arguments)
                if len(twin.timesteps) == calls:
                    return twin
    except Exception:  # it needs what only a run knows, such as ``mu``
        return None
    return None


def _arguments(scheduler: Any, calls: int, timesteps: Sequence[float]) -> Iterator[dict[str, Any]]:
    """What ``set_timesteps`` may be called with for so many calls."""
    if timesteps:
        yield given_arguments(scheduler, timesteps, None)
        return
    for steps in (calls, calls - 1, (calls + 1) // 2):
        yield {"num_inference_steps": steps}


def _twin(scheduler: Any) -> Any:
    return twin_of(scheduler, ADDED, exact=False)
