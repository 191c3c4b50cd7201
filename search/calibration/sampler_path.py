"""How a sampler moves: what an error of one call's noise does to the latents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SamplerPath:
    """The first-order picture of every sampler of the variance preserving kind.

    With ``r = sqrt(1 - a) / sqrt(a)`` and ``y = x / sqrt(a)``, DDIM (arXiv 2010.02502, section
    4.3) steps ``y`` by ``(r[i + 1] - r[i]) * eps[i]``; samplers of higher order differ from that
    by a correction. So errors of the noise add up in ``y``, weighted by ``moves``.

    Args:
        moves: (calls,), how far ``r`` moves at each call. A call at pure noise has no finite one,
            and moves 0: it is computed in every schedule.
        gains: (calls + 1,), ``sqrt(a)`` at each call and at the end of the run: what takes an
            error of ``y`` back to the latents.
    """

    moves: NDArray[np.float64]
    gains: NDArray[np.float64]

    @classmethod
    def of(cls, timesteps: NDArray[np.float64], alphas: NDArray[np.float64]) -> SamplerPath:
        """The path through ``alphas``, (calls,), the cumulative products at ``timesteps``.

        Samplers of second order (Heun, PNDM) call twice at a timestep. Then each call moves half
        of the way from the call before to the call after, as the trapezoidal rule has it.
        """
        gains = np.sqrt(np.append(alphas, 1.0))
        with np.errstate(divide="ignore"):
            ratios = np.sqrt(1 - gains**2) / gains
        if (np.diff(timesteps) == 0).any():
            before = np.append(ratios[0], ratios[:-2])
            moves = (ratios[1:] - before) / 2
        else:
            moves = np.diff(ratios)
        return cls(np.where(np.isfinite(moves), moves, 0.0), gains)
