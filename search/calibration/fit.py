"""Weights of fitted forecasts, in closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dato.runtime.forecast import linear_weights
from dato.schedule import MAX_VALUES, Depth, Forecast, refreshes
from search.calibration.products import Gram
from search.calibration.table import Calibration

DIGITS = 6
"""Significant ones of a weight, so that a preset can be read."""

VALUES = 2
"""Values that a fitted forecast reads where there are as many; three overfit 8 runs."""

OUTPUT_RIDGE = 1e-2
"""Pull of an output's weights towards the straight line. Free weights, which suit the unpatched
run, shrink what they forecast, and that adds up over a patched one: pocket with a full call every
10, FID to unpatched 1.98 free, 1.42 with this pull, 1.39 on the straight line itself (in the unit
of the features before they were scaled, some 28 times today's)."""

CUT_RIDGE = 1e-2
"""The same for a cut's weights: depth 1 halfway between full calls every 10, FID 1.66 free, 1.61
with this pull, 6.59 on the straight line, in that unit. Both by ``python -m
experiments.forecast.ridge``."""


def fit(
    gram: Gram, call: int, sources: Sequence[int], prior: Sequence[float], ridge: float
) -> tuple[float, ...]:
    """The weights w that minimise ``|y - sum w_j x_j|^2 + ridge * s * |w - prior|^2``.

    Args:
        gram: inner products of the values of every two calls.
        call: which value is ``y``.
        sources: which are ``x``, one for each weight of ``prior``.
        ridge: in units of s, the mean squared size of the ``x``.
    """
    places = list(sources)
    inner = gram[np.ix_(places, places)]
    size = ridge * float(inner.diagonal().mean())
    left = inner + size * np.eye(len(places))
    right = gram[places, call] + size * np.asarray(prior)
    weights = np.linalg.lstsq(left, right, rcond=None)[0].tolist()
    return tuple(float(f"{weight:.{DIGITS}g}") for weight in weights)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fits the weights of any schedule from one calibration.

    The inner products are those of unpatched runs: that a call of depth n computes the output from
    a forecast cut, on latents that forecasts have moved, is not in them.
    """

    calibration: Calibration
    output_ridge: float = OUTPUT_RIDGE
    cut_ridge: float = CUT_RIDGE

    def __call__(
        self, depths: Sequence[Depth], forecasts: Sequence[Forecast]
    ) -> Mapping[int, tuple[float, ...]]:
        """Weights of each call whose forecast is ``"fitted"``, the newest value first.

        Args:
            depths: of each call, the first ``"full"``.
            forecasts: of each call; that of a full call is not looked at.
        """
        return {
            call: self._weights(call, depth, depths)
            for call, (depth, forecast) in enumerate(zip(depths, forecasts, strict=True))
            if depth != "full" and forecast == "fitted"
        }

    def _weights(self, call: int, depth: int, depths: Sequence[Depth]) -> tuple[float, ...]:
        sources = sources_of(depths, call)
        timesteps = self.calibration.timesteps.tolist()
        prior = linear_weights(timesteps, call, sources)
        prior += (0.0,) * (min(VALUES, len(sources)) - len(prior))
        if depth == 0:
            gram, ridge = self.calibration.output, self.output_ridge
        elif depth in self.calibration.cuts:
            gram, ridge = self.calibration.cuts[depth], self.cut_ridge
        else:
            return prior
        return fit(gram, call, sources[: len(prior)], prior, ridge)


def sources_of(depths: Sequence[Depth], call: int) -> tuple[int, ...]:
    """See :meth:`dato.Schedule.sources`, which this is for a schedule that has yet to be made."""
    depth = depths[call]
    assert depth != "full"
    computed = [each for each in reversed(range(call)) if refreshes(depths[each], depth)]
    return tuple(computed[:MAX_VALUES])
