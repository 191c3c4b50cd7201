"""Calibrations whose values are known, without a model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from search.calibration.table import Calibration, Key

Values = NDArray[np.float64]
"""(calls, elements)"""


def key(calls: int) -> Key:
    """Of nothing that was measured."""
    return Key(
        fingerprint="sha256:0",
        scheduler="DDIMScheduler",
        calls=calls,
        guidance_scale=2.0,
        prompts="sha256:1",
        images=8,
        versions={},
    )


def calibration(
    output: Values, cuts: Mapping[int, Values] | None = None, alphas: bool = True
) -> Calibration:
    """Of given values, over timesteps that are not evenly spaced."""
    calls, cuts = len(output), cuts or {}
    timesteps = 900.0 - 8.0 * np.arange(calls) ** 1.5
    return Calibration(
        key=key(calls),
        timesteps=timesteps.astype(np.float64),
        alphas=np.linspace(0.02, 0.98, calls) if alphas else None,
        output=output @ output.T,
        cuts={depth: values @ values.T for depth, values in cuts.items()},
        response={depth: np.full(calls, 0.1) for depth in cuts},
    )


def wandering(calls: int, seed: int, elements: int = 40) -> Values:
    """Values that drift and shake from call to call."""
    steps = np.random.default_rng(seed).normal(size=(calls, elements))
    values: Values = 3.0 + 0.3 * steps.cumsum(0) + 0.1 * steps
    return values


def ramp(timesteps: NDArray[np.float64], seed: int = 0) -> Values:
    """Values that are linear in the timestep."""
    ends = np.random.default_rng(seed).normal(size=(2, 40))
    values: Values = ends[0] + timesteps[:, None] / 100 * ends[1]
    return values
