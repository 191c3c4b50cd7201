"""What a pipeline's call says that its images depend on, and no scheduler knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class CallSetting:
    """Arguments of a pipeline's call.

    They are numbers on the host, read from the variables of the running method, so that nothing
    waits for the device. FLUX's, which gives its scale to the denoiser, is there too.

    Args:
        guidance_scale: None where the pipeline has none.
        guidance_rescale: how far guided outputs are scaled back.
        eta: how much noise DDIM adds.
    """

    guidance_scale: float | None = None
    guidance_rescale: float = 0.0
    eta: float = 0.0

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> Self:
        """The setting of a pipeline's method that is running, from its variables."""
        return cls(
            _number(variables.get("guidance_scale")),
            _number(variables.get("guidance_rescale")) or 0.0,
            _number(variables.get("eta")) or 0.0,
        )


def _number(value: Any) -> float | None:
    """A number that a caller gave; None for anything else."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known else None
