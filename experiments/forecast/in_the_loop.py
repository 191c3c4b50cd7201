"""Whether an output's weights should be fitted on the schedule's own runs.

python -m experiments.forecast.in_the_loop --cache /tmp/forecast

A calibration's weights suit the unpatched runs that they come from. Here a gap's weights are fitted
when a run under the schedule has come to its end: such that the latents there are nearest to those
of the unpatched run. The run goes on from what they give, so that the next gap's weights see what
this one's have missed. Prints the FID to the unpatched model's images, beside samplers that take
as many steps.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dato import Kind, Schedule
from dato.runtime.forecast import linear_weights
from dato.schedule import MAX_VALUES
from experiments.forecast.world import World
from search.calibration.placement import placements
from search.calibration.sampler_path import SamplerPath
from search.calibration.table import Calibration
from search.model.generator import Generator
from search.quality.frechet import frechet_between
from search.space.slopes import rounded

RIVALS = ("DPMSolverMultistepScheduler", "UniPCMultistepScheduler")
GUIDANCE = (2.0, 4.0)
COUNTS = (6, 8, 10)
RUNS = (2, 4, 8)

Weights = NDArray[np.float64]
"""(values,): of the newest computed outputs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--pruned", type=float, default=0.0, help="share pruned in full calls")
    options = parser.parse_args()
    torch.set_num_threads(1)
    prune = {"level_0": options.pruned} if options.pruned else {}
    for guidance in GUIDANCE:
        world = World(options.cache, images=options.images, guidance=guidance)
        plans = {len(plan.full): plan.full for plan in placements(world.calibration())}
        for count in COUNTS:
            loop = Loop(world, plans[count], prune, max(RUNS))
            found = {"linear": world.fid(loop.schedule(loop.line))}
            for runs in RUNS:
                loop = Loop(world, plans[count], prune, runs)
                found[f"fitted on {runs}"] = world.fid(loop.fitted())
            for scheduler in RIVALS:
                rival = World(options.cache, scheduler, count, options.images, guidance)
                found[scheduler] = frechet_between(world.reference, rival.reference)
            text = ", ".join(f"{name} {fid:.3g}" for name, fid in found.items())
            print(f"scale {guidance:g}, {count} full: {text}", flush=True)


@dataclass(frozen=True)
class Loop:
    """A schedule of planned full calls, whose weights are fitted on some runs."""

    world: World
    full: tuple[int, ...]
    prune: Mapping[str, float]
    runs: int

    @cached_property
    def calibration(self) -> Calibration:
        return self.world.calibration()

    @cached_property
    def path(self) -> SamplerPath:
        assert self.calibration.path is not None
        return self.calibration.path

    @cached_property
    def generator(self) -> Generator:
        return self.world.generator.with_workload(self.world.workload(runs=self.runs))

    @cached_property
    def line(self) -> dict[int, Weights]:
        """Of each call that is not full, the straight line's weights."""
        times, found = self.calibration.timesteps.tolist(), dict[int, Weights]()
        for call in range(self.calibration.calls):
            if call not in self.full:
                weights = linear_weights(times, call, self.sources(call))
                left = len(self.sources(call)) - len(weights)
                found[call] = np.array([*weights, *[0.0] * left])
        return found

    def sources(self, call: int) -> list[int]:
        return [own for own in reversed(self.full) if own < call][:MAX_VALUES]

    def schedule(self, weights: Mapping[int, Weights]) -> Schedule:
        calls = range(self.calibration.calls)
        steps = tuple("full" if call in self.full else "fitted" for call in calls)
        short = {call: rounded(own.tolist()) for call, own in weights.items()}
        kinds = {"full": Kind(prune=self.prune), "fitted": Kind(0, forecast="fitted")}
        return Schedule(kinds, steps, weights=short)

    def fitted(self) -> Schedule:
        """Run the straight lines, and at the end of every gap put better weights in their place."""
        wanted = self.generator.trajectory(0, None).double()
        shape = self.generator.family.latent_shape(self.generator.pipe)
        noise = self.generator.workload.noise(range(self.runs), shape)
        fitting = Fitting(self, wanted, noise.double())
        with self.generator.applied(self.schedule(self.line)):
            self.generator.loop(0, follow=fitting.follow)
        return self.schedule(fitting.weights)


@dataclass
class Fitting:
    """One run under a loop's schedule.

    Args:
        wanted: (calls, runs, channels, height, width), the unpatched latents after each call.
        noise: what the run starts from.
    """

    loop: Loop
    wanted: Tensor
    noise: Tensor
    states: list[Tensor] = field(default_factory=list)
    """The latents after each call, divided by the signal's share."""
    held: dict[int, Tensor] = field(default_factory=dict)
    """The noise that each full call predicted."""

    def __post_init__(self) -> None:
        self.weights = dict(self.loop.line)

    def follow(self, latents: Tensor) -> Tensor:
        """Take in the latents after a call; returns what the run goes on with."""
        loop, path, call = self.loop, self.loop.path, len(self.states)
        gain = float(path.gains[call + 1])
        state = latents.double() / gain
        if call in loop.full:
            moved = path.moves[call]
            # Pure noise: what the sampler starts from is the noise itself.
            self.held[call] = (state - self.states[-1]) / moved if moved else self.noise
        elif call + 1 in loop.full or call + 1 == len(path.moves):
            last = max(own for own in loop.full if own < call)
            state = self._fit(last, range(last + 1, call + 1), self.wanted[call] / gain)
        self.states.append(state)
        return (state * gain).to(latents)

    def _fit(self, last: int, gap: Sequence[int], wanted: Tensor) -> Tensor:
        """The state at the end of a gap with the weights that bring it nearest to ``wanted``."""
        moves, start = self.loop.path.moves.tolist(), self.states[last]
        values = [self.held[own] for own in self.loop.sources(gap[0])]
        basis = torch.stack([value.flatten() for value in values], dim=1)
        missed = (wanted - start).flatten()[:, None]
        found = torch.linalg.lstsq(basis, missed).solution[:, 0]
        line = sum(moves[call] * self.weights[call] for call in gap)
        moved = (found.numpy() - line) / sum(moves[call] for call in gap)
        for call in gap:
            self.weights[call] = self.weights[call] + moved
        moved_by: Tensor = (basis @ found).reshape(start.shape)
        return start + moved_by


if __name__ == "__main__":
    main()
