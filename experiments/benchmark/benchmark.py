"""What a user would do instead, other tools, and our schedules on the pocket model, in one run.

python -m experiments.benchmark.benchmark --images 128 --repeats 5

Needs the extra ``bench``. Writes results.json, results.md and results.png beside itself.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from dataclasses import asdict
from pathlib import Path

from dato.files import replace_text
from experiments.benchmark.contenders import Contender, contenders
from experiments.benchmark.plot import plot
from experiments.benchmark.row import Row
from experiments.benchmark.tables import table
from experiments.command import command, parsed, versions
from search.calibration.measure import measure_calibration
from search.calibration.prompts import calibration_workload
from search.latency.clock import time_once
from search.metrics import FID_REAL_BOUND
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.prompts import make_workloads
from search.pocket.judge import correct
from search.preparation.meters import REAL_SEED
from search.quality.features import load_feature_network
from search.quality.image_pairs import psnr
from search.quality.meter import QualityMeter
from search.quality.real_images import real_statistics
from search.records.timesteps import OWN_TIMESTEPS, Timesteps
from search.records.writing import write_json

HERE = Path(__file__).parent
SEED = 77
"""Prompts and noise that neither training nor any study saw."""
STEPS, GUIDANCE, BATCH = 50, 2.0, 4
DEPTHS = (1,)
"""Cuts that the fitted contenders use."""


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    options = parsed(parser)
    workload, _ = make_workloads("pocket", images=options.images, heldout_images=4, seed=SEED)

    def make(scheduler: str, steps: int, timesteps: Timesteps = OWN_TIMESTEPS) -> Generator:
        model = ModelConfig(
            scheduler=scheduler,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            batch_size=BATCH,
            timesteps=timesteps,
        )
        return Generator(model, workload)

    calibration = measure_calibration(
        make("DDIMScheduler", STEPS), calibration_workload("pocket", 8, SEED), DEPTHS
    )
    entries = contenders(make, STEPS, calibration)
    times = _times(entries, options.repeats)
    rows = _rows(entries, times, options.images)
    write_json(HERE / "results.json", _document(options, rows))
    replace_text(HERE / "results.md", table(rows))
    plot(rows, HERE / "results.png")
    print(table(rows))


def _times(entries: tuple[Contender, ...], repeats: int) -> list[list[float]]:
    """CPU seconds per image: one list a round, in the order of ``entries``, after a warm-up."""
    rounds = [
        [time_once(entry.generator, entry.schedule).total for entry in entries]
        for _ in range(repeats + 1)
    ]
    return rounds[1:]


def _rows(entries: tuple[Contender, ...], times: list[list[float]], count: int) -> tuple[Row, ...]:
    reference = entries[0].generator.generate(None, range(count))
    size = (reference.pixels.shape[-2], reference.pixels.shape[-1])
    network = load_feature_network("pocket")
    real = real_statistics("pocket", network, count=2048, seed=REAL_SEED + SEED, size=size)
    meter = QualityMeter(network, real, reference, metrics=(FID_REAL_BOUND,))
    prompts, base = entries[0].generator.workload.prompts, meter.unpatched().fid_real
    rows = []
    for place, entry in enumerate(entries):
        started = time.perf_counter()
        images = reference
        if place:
            images = entry.generator.generate(entry.schedule, range(count))
        quality = meter.quality(images)
        speedups = [row[0] / row[place] for row in times]
        rows.append(
            Row(
                name=entry.name,
                family=entry.family,
                fid_real=quality.fid_real,
                fid_reference=quality.fid_reference,
                worse=quality.fid_real / base - 1,
                bound=quality.metrics[FID_REAL_BOUND] / base - 1,
                psnr=float(psnr(images.pixels, reference.pixels).mean()),
                captions=float(correct(images.pixels, prompts).mean()),
                latency_s=statistics.median(row[place] for row in times),
                speedup=statistics.median(speedups),
                low=min(speedups),
                high=max(speedups),
            )
        )
        print(f"{entry.name}: {time.perf_counter() - started:.0f} s", flush=True)
    return tuple(rows)


def _document(options: argparse.Namespace, rows: tuple[Row, ...]) -> dict[str, object]:
    return {
        "command": f"python -m experiments.benchmark.benchmark --images {options.images} "
        f"--repeats {options.repeats}",
        "machine": f"{platform.machine()}, one thread, process CPU time",
        "seed": SEED,
        "images": options.images,
        "versions": versions("torch", "diffusers", "DeepCache", "tomesd"),
        "rows": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    main()
