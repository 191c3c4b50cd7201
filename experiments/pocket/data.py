"""Training data, rendered and encoded once: latents at both resolutions and token ids."""

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from torch import Tensor
from transformers import CLIPTokenizer

from experiments.pocket.codec import encode
from experiments.pocket.networks import tokenize
from search.pocket.captions import sample_scenes
from search.pocket.render import render

_CHUNK = 1000


@dataclass(frozen=True)
class Data:
    """fine: float16 (n, 6, 32, 32), coarse: float16 (n, 6, 16, 16), tokens: int64 (n, length)."""

    fine: Tensor
    coarse: Tensor
    tokens: Tensor


def load_data(path: Path, codec: AutoencoderTiny, tokenizer: CLIPTokenizer, count: int) -> Data:
    """Read the cache at path, or fill it first. Pages are shared between processes."""
    if not path.exists():
        _fill(path, codec, tokenizer, count)
    parts = torch.load(path, mmap=True, weights_only=True)
    return Data(parts["fine"], parts["coarse"], parts["tokens"])


def _fill(path: Path, codec: AutoencoderTiny, tokenizer: CLIPTokenizer, count: int) -> None:
    scenes = sample_scenes(count, seed=1, split="training")
    fine, coarse = [], []
    for start in range(0, count, _CHUNK):
        images = render(scenes[start : start + _CHUNK])
        halved = torch.nn.functional.avg_pool2d(images.float(), 2)
        fine.append(encode(codec, images).half())
        coarse.append(encode(codec, halved).half())
    tokens = tokenize(tokenizer, [scene.caption for scene in scenes])
    partial = path.with_suffix(".partial")
    torch.save({"fine": torch.cat(fine), "coarse": torch.cat(coarse), "tokens": tokens}, partial)
    partial.rename(path)
