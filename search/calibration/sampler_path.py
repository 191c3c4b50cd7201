"""How a sampler moves: what an error of one call's noise does to the latents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SamplerPath:
    """The first-order picture of a sampler: errors of what outputs are held as add up, weighted.

    Of the variance preserving kind:

    With ``r = sqrt(1 - a) / sqrt(a)`` and ``y = x / sqrt(a)``, DDIM (arXiv 2010.02502, section
    4.3) steps ``y`` by ``(r[i + 1] - r[i]) * eps[i]``; samplers of higher order differ from that
    by a correction. So errors of the noise add up in ``y``, weighted by ``moves``.

    Under flow matching the sampler steps ``x`` by ``(sigma[i + 1] - sigma[i]) * velocity[i]``.

    Args:
        moves: (calls,), how far ``r`` or ``sigma`` moves at each call. A call at pure noise has no
            finite ``r``, and moves 0: it is computed in every schedule.
        gains: (calls + 1,), ``sqrt(a)`` or 1 at each call and at the end of the run: what takes an
            error of ``y`` or ``x`` back to the latents.
    """

    moves: NDArray[np.float64]
    gains: NDArray[np.float64]

    @classmethod
    def of(cls, timesteps: NDArray[np.float64], alphas: NDArray[np.float64]) -> SamplerPath:
        """The path through ``alphas``, (calls,), the cumulative products at ``timesteps``."""
        gains = np.sqrt(np.append(alphas, 1.0))
        with np.errstate(divide="ignore"):
            ratios = np.sqrt(1 - gains**2) / gains
            moves = _moves(timesteps, ratios)
        return cls(np.where(np.isfinite(moves), moves, 0.0), gains)

    @classmethod
    def of_flow(cls, timesteps: NDArray[np.float64], sigmas: NDArray[np.float64]) -> SamplerPath:
        """The path through ``sigmas``, (calls,), the shares of noise at ``timesteps``."""
        return cls(_moves(timesteps, np.append(sigmas, 0.0)), np.ones(len(sigmas) + 1))


def _moves(timesteps: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(calls,): how far each call moves through ``places``, (calls + 1,).

    Samplers of second order (Heun, PNDM) call twice at a timestep. Then each call moves half of the
    way from the call before to the call after, as the trapezoidal rule has it.
    """
    if (np.diff(timesteps) == 0).any():
        before = np.append(places[0], places[:-2])
        halves: NDArray[np.float64] = (places[1:] - before) / 2
        return halves
    return np.diff(places)
