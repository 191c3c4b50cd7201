"""Why not simply fewer steps: forecasts beside what a user would do instead, on pocket.

python -m experiments.forecast.rivals --cache /tmp/forecast --images 128

Fewer steps of three samplers; reuse, straight lines and planned placements at as many computed
calls; all on the same held-out captions and noise, against the unpatched 50 DDIM steps. Writes
rivals.json, rivals.md and rivals.png beside itself.
"""

from __future__ import annotations

import argparse
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from dato import Schedule
from dato.files import replace_text
from experiments.forecast.plot import plot
from experiments.forecast.world import SEED, World
from search.calibration.placement import placements
from search.launch.instruments import REAL_SEED
from search.model.images import Images
from search.pocket import load_features
from search.pocket.judge import judge
from search.quality.features import load_feature_network
from search.quality.frechet import frechet, frechet_between
from search.quality.image_pairs import psnr
from search.quality.real_images import real_statistics
from search.quality.statistics import Statistics
from search.records.folder import write_json

HERE = Path(__file__).parent
CALLS = 50
FEWER = (5, 6, 8, 12)
SAMPLERS = {
    "DDIM": "DDIMScheduler",
    "DPM-Solver++ 2M": "DPMSolverMultistepScheduler",
    "UniPC": "UniPCMultistepScheduler",
}
RESAMPLES = 400
REAL = 2_048


@dataclass(frozen=True)
class Row:
    """One way to make the images.

    Args:
        family: ``"unpatched"``, ``"fewer steps"``, ``"reuse"``, ``"linear"`` or ``"planned"``.
        computed: denoiser calls that compute something.
        fid_real: FID to real renders; ``fid_unpatched``: to the unpatched images.
        worse: FID to real over the unpatched one's, less 1; paired.
        worse_low, worse_high: the same, one-sided 95 % bounds of the bootstrap over images.
        psnr: mean over images, in dB, to the unpatched image.
        right: share of images that show every colour and shape of their caption.
    """

    name: str
    family: str
    computed: int
    fid_real: float
    fid_unpatched: float
    worse: float
    worse_low: float
    worse_high: float
    psnr: float
    right: float


@dataclass(frozen=True)
class Way:
    """A sampler with a schedule; None is unpatched."""

    name: str
    family: str
    computed: int
    sampler: str
    steps: int
    schedule: Schedule | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--images", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    base = World(options.cache, images=options.images)
    prompts = base.generator.workload.prompts
    size = base.generator.work.image_size
    real = real_statistics(
        "pocket", load_feature_network("pocket"), count=REAL, seed=REAL_SEED, size=size
    )
    reference = base.generator.generate(None, range(options.images))
    known = _features(reference)
    rows: list[Row] = []
    for way in ways(options.cache):
        world = World(options.cache, way.sampler, way.steps, options.images)
        images = world.generator.generate(way.schedule, range(options.images))
        rows.append(_row(way, images, reference, known, real, prompts))
        print(rows[-1], flush=True)
        write_json(HERE / "rivals.json", _document(options.images, rows))
    replace_text(HERE / "rivals.md", table(rows))
    plot(rows, HERE / "rivals.png")


def ways(cache: Path) -> list[Way]:
    """Everything that is compared."""
    ddim = SAMPLERS["DDIM"]
    found = [Way("unpatched, 50 DDIM steps", "unpatched", CALLS, ddim, CALLS, None)]
    found += [
        Way(f"{name}, {steps} steps", "fewer steps", steps, sampler, steps, None)
        for name, sampler in SAMPLERS.items()
        for steps in FEWER
    ]
    for interval in (10, 6):
        count = -(-CALLS // interval)
        own = {
            "reuse": Schedule.uniform(CALLS, interval, 0),
            "linear": Schedule.uniform(CALLS, interval, 0, forecast="linear"),
        }
        for family, schedule in own.items():
            name = f"every {interval} calls, {'reused' if family == 'reuse' else 'linear'}"
            found.append(Way(name, family, count, ddim, CALLS, schedule))
    plans = {len(plan.full): plan for plan in placements(World(cache).calibration())}
    for count in (4, *FEWER):
        schedule = plans[count].schedule(CALLS)
        found.append(Way(f"{count} planned calls, linear", "planned", count, ddim, CALLS, schedule))
    return found


def _features(images: Images) -> Tensor:
    features: Tensor = load_features()(images.pixels)
    return features


def _row(
    way: Way,
    images: Images,
    reference: Images,
    known: Tensor,
    real: Statistics,
    prompts: tuple[str, ...],
) -> Row:
    features = _features(images)
    to_real = frechet(real.moments, features)
    worse = _worse(features, known, real)
    generator = torch.Generator().manual_seed(0)
    draws = [
        torch.randint(len(known), (len(known),), generator=generator) for _ in range(RESAMPLES)
    ]
    spread = torch.tensor([_worse(features[each], known[each], real) for each in draws])
    # Repeated images raise every resampled FID; the spread is moved to the value of all images.
    low, middle, high = (spread.quantile(level).item() for level in (0.05, 0.5, 0.95))
    accuracy = judge(images.pixels, prompts)
    return Row(
        name=way.name,
        family=way.family,
        computed=way.computed,
        fid_real=to_real,
        fid_unpatched=frechet_between(known, features),
        worse=worse,
        worse_low=worse + low - middle,
        worse_high=worse + high - middle,
        psnr=float(psnr(images.pixels, reference.pixels).mean()),
        right=min(accuracy.colour, accuracy.shape),
    )


def _worse(features: Tensor, known: Tensor, real: Statistics) -> float:
    return frechet(real.moments, features) / frechet(real.moments, known) - 1


def _document(images: int, rows: list[Row]) -> dict[str, object]:
    return {
        "command": f"python -m experiments.forecast.rivals --images {images}",
        "machine": f"{platform.machine()}, one thread",
        "seed": SEED,
        "images": images,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "diffusers")},
        "rows": [asdict(row) for row in rows],
    }


def table(rows: list[Row]) -> str:
    """Markdown, in the order of ``rows``."""
    lines = [
        "| way | computed calls | FID to unpatched | PSNR | FID to real | paired difference |"
        " colours and shapes right |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {row.computed} | {row.fid_unpatched:.3f} | {row.psnr:.1f} | "
        f"{row.fid_real:.1f} | {row.worse:+.1%} ({row.worse_low:+.1%} to {row.worse_high:+.1%}) | "
        f"{row.right:.1%} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
