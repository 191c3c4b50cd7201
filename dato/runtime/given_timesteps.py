"""The timesteps that a preset's sampler has, in the place of those that a pipeline asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dato.errors import UnsupportedError
from dato.fit import Fit
from dato.sampler.given_timesteps import given_arguments, takes_timesteps

_ASKING = ("num_inference_steps", "timesteps", "sigmas")


class GivenTimesteps:
    """Asks a scheduler for a preset's timesteps where it is asked for as many steps.

    Another number of steps is another run: a pipeline runs it as it asks for it, if the schedule
    can be stretched.

    Args:
        fit: of a preset.

    Raises:
        UnsupportedError: the scheduler takes no timesteps.

    ``taken`` says whether the last run got them, or, before the first, whether there are any.
    """

    def __init__(self, fit: Fit, scheduler: Any) -> None:
        self._values: Sequence[float] = () if fit.sampler is None else fit.sampler.timesteps
        self.taken = bool(self._values)
        if self._values and not takes_timesteps(scheduler):
            raise UnsupportedError(
                f"The preset has timesteps, but {type(scheduler).__name__} takes none.",
                remedy="Export it again, from a study of this version of diffusers.",
            )

    def __bool__(self) -> bool:
        return bool(self._values)

    def asked(self, scheduler: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments of ``set_timesteps`` for a run that was asked for with others."""
        self.taken = _steps(arguments) == len(self._values)
        if not self.taken:
            return arguments
        kept = {name: value for name, value in arguments.items() if name not in _ASKING}
        try:
            return kept | given_arguments(scheduler, self._values, kept.get("mu"))
        except ValueError as error:
            raise UnsupportedError(
                f"The preset's timesteps cannot be run: {error}.",
                remedy="Give the scheduler the preset's settings.",
            ) from error


def _steps(arguments: dict[str, Any]) -> int | None:
    """How many steps are asked for; a list of ``sigmas`` of diffusion may end in 0."""
    for name in ("timesteps", "sigmas"):
        listed = arguments.get(name)
        if listed is not None:
            return len(listed)
    steps: int | None = arguments.get("num_inference_steps")
    return steps
