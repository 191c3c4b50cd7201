"""FLUX.1 and SD 3.5 at reduced width with random weights, and what is counted of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from torch import Tensor

SIDE, TEXT, WIDTH, STEPS, IMAGES, INTERVAL = 32, 64, 128, 20, 4, 4
"""Side of the latents, text tokens, channels of the denoiser, steps, images of a run, and calls
from one that static caches compute to the next."""

HEADS = {"num_attention_heads": 4, "attention_head_dim": 32}
CHANNELS = {"joint_attention_dim": WIDTH, "pooled_projection_dim": WIDTH}
NAMES = ("flux", "sd35")


@dataclass(frozen=True)
class Model:
    """A pipeline and its runs.

    Args:
        pipe: the pipeline; ``blocks`` are those of its denoiser.
        run: makes the latents of all images.
        steps: calls of a run; ``interval``: of those that static caches compute.
    """

    pipe: Any
    blocks: int
    run: Callable[[], Tensor]
    steps: int = STEPS
    interval: int = INTERVAL

    @property
    def full(self) -> tuple[int, ...]:
        """Calls that static caches compute: the first, and what diffusers' TaylorSeer computes."""
        return 0, *range(2, self.steps, self.interval)


def make(name: str) -> Model:
    """A model of :data:`NAMES`; the same weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return _flux() if name == "flux" else _sd35()


def _flux() -> Model:
    denoiser = diffusers.FluxTransformer2DModel(
        num_layers=4,
        num_single_layers=8,
        guidance_embeds=True,
        axes_dims_rope=(8, 12, 12),
        **HEADS,
        **CHANNELS,
    )
    parts = dict.fromkeys(("vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"))
    sampler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)
    pipe = diffusers.FluxPipeline(transformer=_lively(denoiser), scheduler=sampler, **parts)
    latents = torch.randn(IMAGES, SIDE * SIDE // 4, 64)
    return _model(pipe, _inputs(latents, guided=False))


def _sd35() -> Model:
    denoiser = diffusers.SD3Transformer2DModel(
        sample_size=SIDE,
        num_layers=12,
        caption_projection_dim=WIDTH,
        qk_norm="rms_norm",
        pos_embed_max_size=SIDE,
        **HEADS,
        **CHANNELS,
    )
    parts = dict.fromkeys([f"{part}{n}" for part in ("text_encoder", "tokenizer") for n in ORDER])
    sampler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    pipe = diffusers.StableDiffusion3Pipeline(
        transformer=_lively(denoiser), scheduler=sampler, vae=None, **parts
    )
    latents = torch.randn(IMAGES, 16, SIDE, SIDE)
    return _model(pipe, _inputs(latents, guided=True))


ORDER = ("", "_2", "_3")


def _inputs(latents: Tensor, guided: bool) -> dict[str, Any]:
    text = {
        "prompt_embeds": torch.randn(IMAGES, TEXT, WIDTH),
        "pooled_prompt_embeds": torch.randn(IMAGES, WIDTH),
    }
    if guided:
        text |= {f"negative_{name}": torch.zeros_like(value) for name, value in text.items()}
    size = {"height": 8 * SIDE, "width": 8 * SIDE, "num_inference_steps": STEPS}
    options = {"guidance_scale": 3.5, "output_type": "latent"}
    return {"latents": latents, **text, **size, **options}


def _lively(denoiser: Any) -> Any:
    """Weights of twice their size: as they are drawn, the output hardly depends on the input."""
    for weight in denoiser.eval().requires_grad_(False).parameters():
        weight.mul_(2)
    return denoiser


def _model(pipe: Any, inputs: dict[str, Any]) -> Model:
    pipe.set_progress_bar_config(disable=True)
    return Model(pipe, 12, lambda: pipe(**inputs).images)


@dataclass
class Count:
    """Attentions that were computed, one for each block of these models."""

    attentions: int = 0


@contextmanager
def counted() -> Iterator[Count]:
    """Counts inside the block, whoever computes."""
    count, original = Count(), torch.nn.functional.scaled_dot_product_attention

    def attention(*args: Any, **kwargs: Any) -> Tensor:
        count.attentions += 1
        return original(*args, **kwargs)

    torch.nn.functional.scaled_dot_product_attention = attention
    try:
        yield count
    finally:
        torch.nn.functional.scaled_dot_product_attention = original


def timed(run: Callable[[], Tensor], repeats: int) -> float:
    """Median of the process CPU seconds of a run."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        seconds.append(time.process_time() - started)
    return sorted(seconds)[repeats // 2]
