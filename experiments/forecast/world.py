"""An embedded model on held-out captions, with a calibration, for this folder's experiments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dato import Kind, Schedule
from dato.schedule import Depth, Forecast
from experiments.command import command
from experiments.forecast.near import Made, Near
from search.calibration.fit import Fitted
from search.calibration.measure import measure_calibration
from search.calibration.placement import GapForecast, Placement, placements
from search.calibration.prompts import SEED as CALIBRATION_SEED
from search.calibration.table import Calibration
from search.model.base_sampler import based
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.prompts import make_workloads
from search.model.workload import Workload
from search.pocket.captions import sample_scenes
from search.records.base_sampler import UNPATCHED, Base, Run

DEPTHS = (1, 2, 3)
SEED = 21
RUNS = 8
"""Unpatched runs of a calibration."""


@dataclass(frozen=True)
class World:
    """One sampler of an embedded model.

    Args:
        cache: folder that calibrations are kept in.
        scheduler: as :class:`search.model.loading.ModelConfig` has it.
        images: held-out captions that schedules are judged on.
        model: ``"pocket"`` or ``"pocket-flow"``.
    """

    cache: Path
    scheduler: str = "DDIMScheduler"
    steps: int = 50
    images: int = 32
    guidance: float = 2.0
    model: str = "pocket"

    @cached_property
    def generator(self) -> Generator:
        """On held-out captions."""
        _, unseen = make_workloads("pocket", images=8, heldout_images=self.images, seed=SEED)
        model = ModelConfig(
            path=self.model,
            scheduler=self.scheduler,
            num_inference_steps=self.steps,
            guidance_scale=self.guidance,
            batch_size=8,
        )
        return Generator(model, unseen)

    def calibration(self, seed: int = 0, runs: int = RUNS) -> Calibration:
        """Measured unless the cache holds it."""
        name = f"{self.model}-{self.scheduler}-{self.steps}-{self.guidance:g}-{seed}"
        name += f"{'' if runs == RUNS else f'-{runs}-runs'}.safetensors"
        if not (self.cache / name).is_file():
            self.cache.mkdir(parents=True, exist_ok=True)
            measured = measure_calibration(self.generator, self.workload(seed, runs), DEPTHS)
            measured.save(self.cache / name)
        return Calibration.load(self.cache / name)

    def plans(
        self, forecast: GapForecast = "linear", seed: int = 0, runs: int = RUNS
    ) -> dict[int, Placement]:
        """Where a calibration puts full calls, by how many there are."""
        calibration = self.calibration(seed, runs)
        return {len(plan.full): plan for plan in placements(calibration, forecast)}

    def workload(self, seed: int = 0, runs: int = RUNS) -> Workload:
        """What calibration sees."""
        noise = CALIBRATION_SEED + seed
        scenes = sample_scenes(runs, noise, "training")
        return Workload(tuple(scene.caption for scene in scenes), noise)

    @cached_property
    def reference(self) -> Made:
        """Of the unpatched model."""
        return self._made(UNPATCHED)

    def fid(self, schedule: Schedule | None, base: Base | None = None) -> float:
        """FID of a schedule to the unpatched model's images of the same prompts and noise.

        Args:
            schedule: ``None`` computes every call.
            base: the sampler that it runs on.
        """
        return self.near(schedule, base).fid

    def near(self, schedule: Schedule | None, base: Base | None = None) -> Near:
        """How near a schedule's images are to the unpatched ones; arguments as of :meth:`fid`."""
        return self._made(Run(schedule, base)).near(self.reference)

    def _made(self, run: Run) -> Made:
        with based(self.generator, run.base) as generator:
            pixels = generator.generate(run.schedule, range(self.images)).pixels
        return Made.of(pixels)


def cached(text: str | None, images: int = 32) -> argparse.ArgumentParser:
    """A command with a cache for calibrations and a number of held-out captions."""
    parser = command(text)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=images)
    return parser


def schedule_of(
    depths: Sequence[Depth], output: Forecast, cut: Forecast, fitted: Fitted
) -> Schedule:
    """The schedule of some depths, with one forecast for outputs and one for cuts."""
    kinds = {
        "full" if depth == "full" else f"depth-{depth}": Kind(
            depth, forecast="hold" if depth == "full" else output if depth == 0 else cut
        )
        for depth in depths
    }
    steps = tuple("full" if depth == "full" else f"depth-{depth}" for depth in depths)
    weights = fitted(depths, [kinds[step].forecast for step in steps])
    return Schedule(kinds, steps, weights=weights)
