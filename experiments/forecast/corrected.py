"""Whether a full call should also correct the calls before it, as UniPC's corrector does.

python -m experiments.forecast.corrected --cache /tmp/forecast

Once a full call is computed, the calls before it could have interpolated instead of extrapolated.
What that would have moved the sampler by is added at the next forecast call (arXiv 2302.04867,
section 3.1). Outputs are held as epsilon, as the engine holds them, and as the clean sample, which
UniPC corrects. Prints the FID to the unpatched model's images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray

from dato import Kind, Schedule
from dato.runtime.forecast import linear_weights
from dato.schedule import MAX_VALUES
from experiments.forecast.world import World
from search.calibration.placement import placements
from search.calibration.table import Calibration

STRENGTHS = (0.0, 0.3, 1.0)
"""Shares of the correction; 0 is the straight line alone."""
COUNTS = (6, 8, 10)
GUIDANCE = (2.0, 4.0)
Row = NDArray[np.float64]
"""(calls,): what a forecast reads of each call."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for guidance in GUIDANCE:
        world = World(options.cache, images=options.images, guidance=guidance)
        calibration = world.calibration()
        plans = {len(plan.full): plan.full for plan in placements(calibration)}
        for count in COUNTS:
            for clean in (False, True):
                line = Line(calibration, plans[count], clean)
                found = [measured(world, line, strength) for strength in STRENGTHS]
                held = "clean sample" if clean else "epsilon"
                print(f"scale {guidance:g}, {count} full, {held}: {', '.join(found)}", flush=True)


def measured(world: World, line: Line, strength: float) -> str:
    """The FID of a schedule."""
    # A sampler that adds noise is what makes the engine hold the clean sample.
    with patch("dato.sampler.held_output.adds_noise", lambda _: line.clean):
        return f"{world.fid(line.schedule(strength)):.3g}"


@dataclass(frozen=True)
class Line:
    """Straight lines between full calls, and what correcting them comes to."""

    calibration: Calibration
    full: Sequence[int]
    clean: bool

    def schedule(self, strength: float) -> Schedule:
        """All calls but ``full`` forecast the output, corrected by a share."""
        calls = self.calibration.calls
        steps = ["full" if call in self.full else "fitted" for call in range(calls)]
        rows = {call: self._row(call) for call, step in enumerate(steps) if step == "fitted"}
        for before, last in pairwise(self.full):
            if last + 1 in rows and self._moves()[last + 1]:
                missed = sum(
                    self._moves()[call] * (self._between(call, before, last) - self._row(call))
                    for call in range(before + 1, last)
                )
                rows[last + 1] = rows[last + 1] + strength * missed / self._moves()[last + 1]
        weights = {call: tuple(row[self._sources(call)].tolist()) for call, row in rows.items()}
        kinds = {"full": Kind(), "fitted": Kind(0, forecast="fitted")}
        return Schedule(kinds, tuple(steps), weights=weights)

    def _moves(self) -> Row:
        """(calls,): how far the sampler moves by what is held; 0 where that has no end."""
        assert self.calibration.alphas is not None
        assert self.calibration.path is not None
        if not self.clean:
            return self.calibration.path.moves
        alphas = self.calibration.alphas
        return np.append(np.diff(np.sqrt(alphas / (1 - alphas))), 0.0)

    def _sources(self, call: int) -> list[int]:
        return [own for own in reversed(self.full) if own < call][:MAX_VALUES]

    def _row(self, call: int) -> Row:
        sources = self._sources(call)
        weights = linear_weights(self.calibration.timesteps.tolist(), call, sources)
        row = np.zeros(self.calibration.calls)
        row[sources[: len(weights)]] = weights
        return row

    def _between(self, call: int, before: int, last: int) -> Row:
        times = self.calibration.timesteps
        share = (times[call] - times[before]) / (times[last] - times[before])
        row = np.zeros(self.calibration.calls)
        row[[before, last]] = 1 - share, share
        return row


if __name__ == "__main__":
    main()
