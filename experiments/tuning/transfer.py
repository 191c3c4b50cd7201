"""A tuned sampler at other guidance scales than it was tuned at, beside fewer steps.

python -m experiments.tuning.transfer --cache /tmp/tuning --tuned-at 4 --calls 8 6

Every row compares with the unpatched 50 DDIM steps of the same scale, captions and noise, none of
which the tuning saw: FID, and PSNR. Straight lines between planned full calls, from which the
sampler is tuned, keep the plan of its scale; rivals have their own timesteps, or that plan's.
Writes transfer.json beside itself, the figures of docs/forecasts.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

from torch import Tensor

from dato import Schedule
from experiments.command import parsed
from experiments.forecast.row import record
from experiments.forecast.world import World, cached
from search.calibration.planned_timesteps import planned_timesteps
from search.calibration.prompts import training_workload
from search.model.base_sampler import based
from search.model.generator import Generator
from search.pocket import load_features
from search.quality.frechet import frechet_between
from search.quality.image_pairs import psnr
from search.records.base_sampler import UNPATCHED, Base, Run
from search.records.timesteps import Timesteps
from search.records.writing import write_json
from search.tuning.tune import OFFSET, tune

HERE = Path(__file__).parent
DPM, UNIPC = "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"
show = partial(print, flush=True)


@dataclass(frozen=True)
class Row:
    """One sampler at one scale.

    Args:
        scale: of the run; ``tuned_at``: of the tuning and the plan.
        psnr: mean over images, in dB.
    """

    calls: int
    tuned_at: float
    scale: float
    sampler: str
    fid_unpatched: float
    psnr: float


def main() -> None:
    parser = cached(__doc__)
    parser.add_argument("--tuned-at", type=float, default=4.0)
    parser.add_argument("--calls", type=int, nargs="+", default=[8, 6])
    parser.add_argument("--scales", type=float, nargs="+", default=[4, 3, 2, 1.5, 1, 5])
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--training", type=int, default=12, help="captions, a third kept apart")
    options = parsed(parser)
    world = World(options.cache, images=options.images, guidance=options.tuned_at)
    rows: list[dict[str, object]] = []
    unpatched = cache(lambda scale: _pixels(world.generator.with_run(guidance_scale=scale)))
    for calls in options.calls:
        samplers = _samplers(world, calls, options.iterations, options.training)
        for scale in options.scales:
            generator = world.generator.with_run(guidance_scale=scale)
            for row in _rows(generator, samplers, unpatched(scale), calls, options.tuned_at):
                show(row)
                rows.append(asdict(row))
            file = record("experiments.tuning.transfer", options.images, ())
            command = f"{file['command']} {_chosen(options)}"
            write_json(HERE / "transfer.json", file | {"command": command, "rows": rows})


def _chosen(options: argparse.Namespace) -> str:
    """The options that the figures depend on, as they are typed."""
    parts = []
    for name in ("tuned_at", "calls", "scales", "iterations", "training"):
        value = getattr(options, name)
        numbers = value if isinstance(value, list) else [value]
        parts += [f"--{name.replace('_', '-')}", *(f"{each:g}" for each in numbers)]
    return " ".join(parts)


def _samplers(world: World, calls: int, iterations: int, training: int) -> dict[str, Run]:
    """What is compared, by its name."""
    lines = world.plans()[calls].schedule(world.steps)
    workload = training_workload("pocket", 8, 0, training, OFFSET)
    tuning = tune(world.generator, Run(lines), workload, iterations, show)
    planned = Timesteps("planned", planned_timesteps(world.calibration(), [calls])[calls])
    return {
        "tuned": Run(tuning.schedule, Base(world.scheduler, calls)),
        "planned full calls, straight lines": Run(lines),
        "DPM-Solver++ 2M, planned timesteps": Run(None, Base(DPM, calls, timesteps=planned)),
        "DPM-Solver++ 2M": Run(None, Base(DPM, calls)),
        "UniPC": Run(None, Base(UNIPC, calls)),
    }


def _rows(
    generator: Generator, samplers: dict[str, Run], unpatched: Tensor, calls: int, tuned_at: float
) -> Iterator[Row]:
    """At the generator's scale."""
    features = load_features()
    for name, run in samplers.items():
        pixels = _pixels(generator, run)
        fid = frechet_between(features(unpatched), features(pixels))
        decibels = float(psnr(pixels, unpatched).mean())
        yield Row(calls, tuned_at, generator.model.guidance_scale, name, fid, decibels)


def _pixels(generator: Generator, run: Run = UNPATCHED) -> Tensor:
    """(images, 3, height, width) uint8."""
    images: Sequence[int] = range(len(generator.workload))
    with based(generator, run.base) as other:
        schedule: Schedule | None = run.schedule
        return other.generate(schedule, images).pixels


if __name__ == "__main__":
    main()
