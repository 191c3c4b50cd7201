"""Whether an output's weights should be fitted on the schedule's own runs.

python -m experiments.forecast.closed_loop --cache /tmp/forecast

A calibration's weights suit the unpatched runs that they come from. Here a gap's weights are fitted
when a run under the schedule has come to its end: such that the latents there are nearest to those
of the unpatched run. The run goes on from what they give, so that the next gap's weights see what
this one's have missed. Prints the FID to the unpatched model's images, beside samplers that take
fewer steps.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
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

Rows = dict[int, NDArray[np.float64]]
RIVALS = ("DPMSolverMultistepScheduler", "UniPCMultistepScheduler")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--guidance", type=float, nargs="+", default=[2.0, 4.0, 7.5])
    parser.add_argument("--counts", type=int, nargs="+", default=[6, 8, 10])
    parser.add_argument("--runs", type=int, nargs="+", default=[8])
    parser.add_argument("--pruned", type=float, default=0.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for guidance in options.guidance:
        world = World(options.cache, images=options.images, guidance=guidance)
        plans = {len(plan.full): plan.full for plan in placements(world.calibration())}
        for count in options.counts:
            prune = {"level_0": options.pruned} if options.pruned else {}
            base = Loop(world, plans[count], prune, 8)
            found = {"linear": world.fid(base.schedule(base.line()))}
            for runs in options.runs:
                loop = Loop(world, plans[count], prune, runs)
                found |= {f"fitted on {runs}": world.fid(loop.schedule(loop.fitted()))}
            for scheduler in RIVALS:
                rival = World(options.cache, scheduler, count, options.images, guidance)
                rival.__dict__["reference"] = world.reference
                found[scheduler] = rival.fid(None)
            text = ", ".join(f"{name} {fid:.3g}" for name, fid in found.items())
            print(f"scale {guidance:g}, {count} full: {text}", flush=True)


@dataclass(frozen=True)
class Loop:
    """Fits a schedule of planned full calls."""

    world: World
    full: tuple[int, ...]
    prune: dict[str, float]
    runs: int

    @cached_property
    def calibration(self):
        return self.world.calibration()

    @cached_property
    def generator(self):
        return self.world.generator.with_workload(self.world.workload(runs=self.runs))

    @cached_property
    def target(self) -> Tensor:
        return self.generator.trajectory(0, None).double()

    def line(self) -> Rows:
        times = self.calibration.timesteps.tolist()
        rows = {}
        for call in range(self.calibration.calls):
            if call not in self.full:
                sources = self.sources(call)
                weights = linear_weights(times, call, sources)
                rows[call] = np.array([*weights, *[0.0] * (len(sources) - len(weights))])
        return rows

    def sources(self, call):
        return [own for own in reversed(self.full) if own < call][:MAX_VALUES]

    def schedule(self, rows: Rows) -> Schedule:
        steps = tuple("full" if c in self.full else "fitted" for c in range(self.calibration.calls))
        weights = {call: tuple(float(f"{v:.6g}") for v in row) for call, row in rows.items()}
        kinds = {"full": Kind(prune=self.prune), "fitted": Kind(0, forecast="fitted")}
        return Schedule(kinds, steps, weights=weights)

    def fitted(self) -> Rows:
        rows = self.line()
        ends = {end - 1: last for last, end in zip(self.full, [*self.full[1:], self.calibration.calls])}
        path = self.calibration.path
        gains, moves = path.gains, path.moves
        found: list[Tensor] = []
        held: dict[int, Tensor] = {}
        target = self.target
        noise = self.generator.workload.noise(range(self.runs), self.generator.family.latent_shape(self.generator.pipe))

        def follow(latents: Tensor) -> Tensor:
            call = len(found)
            now = latents.double() / gains[call + 1]
            if call in self.full:
                held[call] = (now - found[-1]) / moves[call] if moves[call] else noise.double()
            elif call in ends:
                last = ends[call]
                gap = range(last + 1, call + 1)
                total = sum(moves[c] for c in gap)
                start = found[last]
                want = (target[call] / gains[call + 1] - start).flatten()
                basis = torch.stack([held[c].flatten() for c in self.sources(call)])
                weights = torch.linalg.lstsq(basis.T, want[:, None]).solution[:, 0].numpy()
                line = sum(moves[c] * rows[c] for c in gap)
                for c in gap:
                    rows[c] = rows[c] + (weights - line) / total
                now = start + (torch.as_tensor(weights)[:, None] * basis).sum(0).reshape(now.shape)
            found.append(now)
            return (now * gains[call + 1]).to(latents)

        with self.generator.applied(self.schedule(rows)):
            self.generator.loop(0, follow=follow)
        return rows


if __name__ == "__main__":
    main()
