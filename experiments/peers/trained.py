"""All contenders on pocket-flow's trained weights, at equal measured time.

PYTHONPATH=.:/tmp/peers python -m experiments.peers.trained --cache /tmp/forecast --images 16

28 steps, guidance 3. Each contender runs with several settings, which say how many calls or blocks
it computes: process CPU time of its denoising loop over the unpatched one's, FID and PSNR to the
unpatched images of held-out captions. The table has each contender's best FID within each share of
the unpatched time. Writes trained.json beside itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from experiments.command import parsed, processor, versions
from experiments.forecast.near import Made
from experiments.forecast.world import SEED, World, cached
from experiments.peers.trained_contenders import Contender, contenders, context
from search.model.generator import Generator
from search.records.base_sampler import OWN
from search.records.writing import write_json

RESULTS = Path(__file__).with_name("trained.json")
STEPS, GUIDANCE = 28, 3.0
SHARES = (1 / 3, 1 / 4, 1 / 5)
TOLERANCE = 1.03
"""Times are measured, so that one a little above a share counts as equal."""


@dataclass(frozen=True)
class Row:
    """A contender with one setting.

    Args:
        time: over the unpatched run's.
        fid, psnr: to the unpatched images; dB.
        refused: why it does not run, in the place of the figures.
    """

    name: str
    setting: str
    time: float = 0.0
    fid: float = 0.0
    psnr: float = 0.0
    refused: str = ""


def main() -> None:
    options = parsed(cached(__doc__, images=16))
    world = World(options.cache, OWN, STEPS, options.images, GUIDANCE, "pocket-flow")
    seconds, reference = made(world.generator)
    rows: list[Row] = []
    for contender in contenders(world):
        rows.append(row(contender, seconds, reference))
        print(rows[-1], flush=True)
        write_json(RESULTS, _record(options.images, rows))
    print(markdown(rows))


def row(contender: Contender, unpatched: float, reference: Made) -> Row:
    """One contender; where it does not run on the model, why."""
    name, setting = contender.name, contender.setting
    try:
        with contender.applied() as generator:
            seconds, images = made(generator)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:100]
        return Row(name, setting, refused=reason)
    near = images.near(reference)
    return Row(name, setting, round(seconds / unpatched, 3), near.fid, near.psnr)


def made(generator: Generator) -> tuple[float, Made]:
    """Images of the pipeline as it is now, and the median of the process CPU seconds that a chunk's
    denoising loop takes."""
    seconds, pixels = [], []
    for chunk in range(generator.chunk_count):
        with context(generator.denoiser):
            started = time.process_time()
            latents = generator.loop(chunk)
            seconds.append(time.process_time() - started)
        pixels.append(_decoded(generator, latents))
    return median(seconds), Made.of(torch.cat(pixels))


@torch.no_grad()
def _decoded(generator: Generator, latents: Tensor) -> Tensor:
    """uint8 (images, 3, height, width)."""
    image = generator.family.decode(generator.pipe, latents)
    shares = generator.pipe.image_processor.postprocess(image, output_type="pt")
    pixels: Tensor = shares.mul(255).round().to(torch.uint8)
    return pixels


def markdown(rows: Sequence[Row]) -> str:
    """A table of the best setting of each contender within each share of the time."""
    titles = [f"1/{round(1 / share)} of the time" for share in SHARES]
    lines = [
        f"| | {' | '.join(f'{title}: FID | PSNR, dB' for title in titles)} |",
        f"|---|{'---:|' * 2 * len(SHARES)}",
    ]
    for name in dict.fromkeys(each.name for each in rows):
        mine = [each for each in rows if each.name == name]
        cells = [cell for share in SHARES for cell in _cells(mine, share)]
        lines.append(f"| {' | '.join((name, *cells))} |")
    return "\n".join(lines)


def _cells(rows: Sequence[Row], share: float) -> tuple[str, str]:
    within = [each for each in rows if not each.refused and each.time <= TOLERANCE * share]
    if not within:
        return ("fails" if all(each.refused for each in rows) else "too slow"), ""
    best = min(within, key=lambda each: each.fid)
    return f"{best.fid:.4f}", f"{best.psnr:.1f}"


def _record(images: int, rows: Sequence[Row]) -> dict[str, object]:
    return {
        "command": f"python -m experiments.peers.trained --images {images}",
        "machine": f"{processor()}, one thread",
        "seed": SEED,
        "images": images,
        "versions": versions("torch", "diffusers", "cache-dit"),
        "rows": [asdict(each) for each in rows],
    }


if __name__ == "__main__":
    main()
