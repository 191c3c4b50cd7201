"""What the paper's experiments are expected to take, from stated assumptions; nothing is measured.

python -m experiments.paper.cost --tflops 60 --share 0.33
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from experiments.command import command
from search.model.architectures import PUBLISHED
from search.model.untrained import build
from search.settings import Config
from search.settings.compose import compose_config
from search.settings.model import ArchitectureName

EXPERIMENTS = ("imagenet", "coco", "sd2", "sdxl")
GIB = 2**30


@dataclass(frozen=True)
class Work:
    """Arithmetic of one image, 2 x MAC: a guided denoiser call, and the VAE's decoding.

    Args:
        side: of the image in pixels; ``latent`` of its latents.
    """

    call: float
    decode: float
    side: int
    latent: int


@dataclass(frozen=True)
class Estimate:
    """One experiment.

    Args:
        seconds: of one unpatched image.
        search_h: GPU-hours of the search; ``audit_h`` of the front's audit.
        disk_gib: images that the study folder keeps; ``memory_gib`` of images in memory at once.
    """

    name: str
    seconds: float
    search_h: float
    audit_h: float
    disk_gib: float
    memory_gib: float


@cache
def work_of(name: ArchitectureName) -> Work:
    """Counted on the meta device, from the published configuration."""
    pipe = build(PUBLISHED[name], torch.float32, torch.device("meta"))
    config = pipe.unet.config
    side = config.sample_size
    empty = torch.empty(2, 4, side, side, device="meta")
    inputs: dict[str, Any] = {
        "timestep": torch.ones((), device="meta"),
        "encoder_hidden_states": torch.empty(2, 77, config.cross_attention_dim, device="meta"),
    }
    if config.addition_embed_type == "text_time":
        pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        inputs["added_cond_kwargs"] = {
            "text_embeds": torch.empty(2, pooled, device="meta"),
            "time_ids": torch.empty(2, 6, device="meta"),
        }
    with FlopCounterMode(display=False) as call:
        pipe.unet(empty, **inputs)
    with FlopCounterMode(display=False) as decode:
        pipe.vae.decode(empty[:1])
    return Work(call.get_total_flops(), decode.get_total_flops(), 8 * side, side)


def estimate(name: str, tflops: float, share: float) -> Estimate:
    """Cost of ``experiment=paper/NAME``.

    Args:
        tflops: sustained by the GPU, in 1e12 operations a second.
        share: of an unpatched image's time that an image of a trial takes on average.
    """
    config = compose_config([f"experiment=paper/{name}", "model.prompts=-", "quality.real=-"])
    assert config.model.architecture is not None
    work = work_of(config.model.architecture)
    seconds = (work.call * calls(config) + work.decode) / (tflops * 1e12)
    quality = config.quality
    searched = quality.images * (1 + trials(config) * share)
    audited = quality.heldout_images * (1 + quality.heldout_members * share)
    size = 3 * work.side**2 + 4 * 4 * work.latent**2
    kept = (quality.images + quality.heldout_images) * size
    return Estimate(
        name,
        seconds,
        searched * seconds / 3600 + config.latency.budget_s / 3600,
        audited * seconds / 3600,
        kept / GIB,
        2 * quality.heldout_images * size / GIB,
    )


def calls(config: Config) -> int:
    """Denoiser calls of one image: PLMS makes one more than it has steps."""
    steps = config.model.num_inference_steps
    return steps + 1 if config.model.scheduler == "PNDMScheduler" else steps


def trials(config: Config) -> int:
    """Trials of the whole budget, none of them pruned."""
    return config.budget.trials or config.budget.default_trials


def table(tflops: float, share: float) -> str:
    """All experiments as Markdown."""
    head = (
        "| experiment | s per unpatched image | GPU-hours, search | GPU-hours, audit "
        "| disk for images | memory for images |\n|---|---:|---:|---:|---:|---:|"
    )
    rows = [
        f"| `paper/{e.name}` | {e.seconds:.2f} | {e.search_h:.1f} | {e.audit_h:.1f} "
        f"| {e.disk_gib:.1f} GiB | {e.memory_gib:.1f} GiB |"
        for e in (estimate(name, tflops, share) for name in EXPERIMENTS)
    ]
    return "\n".join((head, *rows))


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--tflops", type=float, default=60, help="sustained by the GPU, 1e12/s")
    parser.add_argument("--share", type=float, default=0.33, help="time of a trial's image")
    options = parser.parse_args()
    print(table(options.tflops, options.share))


if __name__ == "__main__":
    main()
