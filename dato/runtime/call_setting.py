"""What a pipeline's call says that its images depend on, and no scheduler knows."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

_LEVELS = ("timesteps", "sigmas")


@dataclass(frozen=True)
class CallSetting:
    """Arguments of a pipeline's call.

    They are numbers on the host, read from the variables of the running method, so that nothing
    waits for the device. FLUX's, which gives its scale to the denoiser, is there too.

    Args:
        guidance_scale: None where the pipeline has none.
        guidance_rescale: how far guided outputs are scaled back.
        eta: how much noise DDIM adds.
        levels: ``timesteps`` and ``sigmas`` as the method has them now.
        pipeline: the class of the pipeline.
    """

    guidance_scale: float | None = None
    guidance_rescale: float = 0.0
    eta: float = 0.0
    levels: tuple[Any, ...] = (None, None)
    pipeline: Any = None

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> Self:
        """The setting of a pipeline's method that is running, from its variables."""
        return cls(
            _number(variables.get("guidance_scale")),
            _number(variables.get("guidance_rescale")) or 0.0,
            _number(variables.get("eta")) or 0.0,
            tuple(variables.get(name) for name in _LEVELS),
            type(variables.get("self")),
        )

    @property
    def parameters(self) -> Collection[str]:
        """Names of what the pipeline's call takes."""
        code = self._code
        return () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @property
    def own(self) -> tuple[str, list[float]] | None:
        """The timesteps or sigmas that the caller has passed, with their argument; None where there
        are none, or none any more: a loop puts the scheduler's timesteps in their place."""
        for name, value in zip(_LEVELS, self.levels, strict=True):
            listed = isinstance(value, list | tuple | np.ndarray) and len(value) > 0
            if listed and name in self.parameters and not self._makes(value):
                return name, [float(each) for each in value]
        return None

    @property
    def passed(self) -> str:
        """The name of that argument; empty where there is none."""
        return "" if self.own is None else self.own[0]

    def _makes(self, values: Any) -> bool:
        """Whether the pipeline itself has put even sigmas in the place of none, as FLUX's does."""
        if not isinstance(values, np.ndarray) or "linspace" not in self._code.co_names:
            return False
        return bool(np.allclose(np.diff(values, 2), 0, atol=1e-6))

    @property
    def _code(self) -> Any:
        call = getattr(self.pipeline, "__call__", None)  # noqa: B004
        return getattr(inspect.unwrap(call), "__code__", None) if call is not None else None


def _number(value: Any) -> float | None:
    """A number that a caller gave; None for anything else."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known else None
