"""A look at a run of pocket-flow: samples of its averaged weights, judged and drawn."""

import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from torch import Tensor
from transformers import CLIPTokenizer

from experiments.pocket.codec import CHANNELS, decode
from experiments.pocket.drawing import draw_grid
from experiments.pocket.flow_networks import SHIFT, TOKENS, FlowNetworks, set_coarse
from experiments.pocket.networks import tokenize
from search.pocket import judge
from search.pocket.captions import sample_scenes

COUNT, STEPS, GUIDANCE = 64, 16, 3.0
_SEED = 7


@torch.no_grad()
def sample(networks: FlowNetworks, tokens: Tensor, empty: Tensor, side: int) -> Tensor:
    """Euler's steps from noise to latents: (n, 6, side, side), for tokens: (n, length)."""
    generator = torch.Generator().manual_seed(_SEED)
    latents = torch.randn(len(tokens), CHANNELS, side, side, generator=generator)
    grid = torch.linspace(1, 0, STEPS + 1)
    grid = SHIFT * grid / (1 + (SHIFT - 1) * grid)
    both = torch.cat([empty.expand_as(tokens), tokens])
    for now, later in pairwise(grid):
        velocity = networks.velocity(latents.repeat(2, 1, 1, 1), now.expand(len(both)), both)
        without, given = velocity.chunk(2)
        latents += (later - now) * (without + GUIDANCE * (given - without))
    return latents


def look(
    networks: FlowNetworks,
    coarse: bool,
    codec: AutoencoderTiny,
    tokenizer: CLIPTokenizer,
    grid: Path,
) -> dict[str, float]:
    """Judge 64 held-out captions, and draw them; 16 steps at a guidance scale of 3."""
    set_coarse(networks.transformer, coarse)
    captions = [scene.caption for scene in sample_scenes(COUNT, _SEED, "held_out")]
    side = TOKENS if coarse else 2 * TOKENS
    parts = [
        sample(networks, part, tokenize(tokenizer, [""]), side)
        for part in tokenize(tokenizer, captions).split(16)
    ]
    with torch.no_grad():
        images = (decode(codec, torch.cat(parts)).clamp(0, 1) * 255).round().to(torch.uint8)
    draw_grid(images, grid)
    return asdict(judge(images, captions))


def record(path: Path, **line: float) -> None:
    """Append one line of JSON, and print it."""
    text = json.dumps({name: round(value, 4) for name, value in line.items()})
    print(text, flush=True)
    with path.open("a") as file:
        file.write(text + "\n")
