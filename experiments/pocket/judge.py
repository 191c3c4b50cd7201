"""Judge a pipeline folder on held-out captions and draw a grid of its pictures.

python -m experiments.pocket.judge --count 512 --steps 50 --guidance 3
python -m experiments.pocket.judge --model pocket-flow --count 512 --steps 28 --guidance 3
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import diffusers
import torch
import transformers
from torch import Tensor

from dato.pocket import load_pipeline
from experiments.command import command
from experiments.pocket.drawing import draw_grid
from experiments.pocket.networks import set_coarse
from search.pocket import judge, load_features
from search.pocket.captions import sample_scenes

BATCH = 8


def generate(
    model: str, captions: Sequence[str], first_seed: int, options: argparse.Namespace
) -> Tensor:
    """Pictures: uint8 (n, 3, size, size); picture i starts from noise of seed first_seed + i."""
    torch.set_num_threads(1)
    pipeline = load_pipeline(model)
    pipeline.set_progress_bar_config(disable=True)
    if options.coarse:
        set_coarse(pipeline.unet, True)
    size = 32 if options.coarse else 64
    parts = []
    for start in range(0, len(captions), BATCH):
        chunk = list(captions[start : start + BATCH])
        seeds = range(first_seed + start, first_seed + start + len(chunk))
        images = pipeline(
            chunk,
            num_inference_steps=options.steps,
            guidance_scale=options.guidance,
            height=size,
            width=size,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="pt",
        ).images
        parts.append((images * 255).round().to(torch.uint8))
    return torch.cat(parts)


def parse() -> argparse.Namespace:
    parser = command(__doc__)
    parser.add_argument("--model", default="pocket", help="pocket, pocket-flow or a folder")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--coarse", action="store_true", help="a UNet of the 16x16 stage")
    parser.add_argument("--results", type=Path, help="append the record to this JSON list")
    parser.add_argument("--grid", type=Path, help="write the sample grid to this PNG")
    return parser.parse_args()


def main() -> None:
    options = parse()
    captions = [s.caption for s in sample_scenes(options.count, options.seed, "held_out")]
    share = -(-options.count // options.processes)
    starts = range(0, options.count, share)
    jobs = [(options.model, captions[s : s + share], s, options) for s in starts]
    began = time.monotonic()
    with torch.multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        images = torch.cat(pool.starmap(generate, jobs))
    accuracy = judge(images, captions, load_features())
    record = {
        **{name: round(value, 4) for name, value in asdict(accuracy).items()},
        "count": options.count,
        "steps": options.steps,
        "guidance": options.guidance,
        "caption_seed": options.seed,
        "noise_seeds": f"0 to {options.count - 1}",
        "model": options.model,
        "seconds": round(time.monotonic() - began, 1),
        "command": " ".join(["python -m experiments.pocket.judge", *sys.argv[1:]]),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
    }
    print(json.dumps(record))
    if options.grid:
        draw_grid(images, options.grid)
    if options.results:
        earlier = json.loads(options.results.read_text()) if options.results.exists() else []
        options.results.write_text(json.dumps([*earlier, record], indent=1) + "\n")


if __name__ == "__main__":
    main()
