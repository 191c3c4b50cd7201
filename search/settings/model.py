"""Settings of the model that is tuned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from search.settings.base import Location, Settings


class ModelSettings(Settings):
    """Which pipeline is tuned, and how it samples.

    Args:
        id: name written into presets; where ``path`` is given, by default the name of its folder,
            or the hub id (``search.settings.model_name``).
        path: ``"pocket"``, a diffusers pipeline folder or a hub id.
        weights: ``"pretrained"`` loads those of ``path``. Without weights, ``"random"`` builds
            ``architecture`` as published, and ``"tiny"`` at reduced width.
        architecture: what ``random`` and ``tiny`` build.
        scheduler: a diffusers scheduler class name.
        batch_size: images per pipeline call; latency is measured at the same batch. A study that
            starts with ``auto`` finds a size once (``search.preparation.largest_batch``) and keeps
            it.
        prompts: ``"pocket"``, a text file with one prompt a line, ``coco:FILE``,
            ``imagenet:FILE`` or ``datasets:NAME:SPLIT:COLUMN``.
        vae_slicing: decode one image at a time, which needs less memory.
        vae_tiling: decode in overlapping tiles, which needs less memory.
    """

    id: str
    path: Location
    weights: Literal["pretrained", "random", "tiny"] = "pretrained"
    architecture: (
        Literal[
            "sd15",
            "sd21",
            "sdxl",
            "pixart",
            "sd3",
            "sd35-medium",
            "sd35-large",
            "flux-dev",
            "flux-schnell",
        ]
        | None
    ) = None
    scheduler: str
    num_inference_steps: int = Field(ge=2, le=1000)
    guidance_scale: float = Field(ge=0)
    dtype: Literal["float32", "float16", "bfloat16"]
    device: str
    batch_size: int = Field(ge=1)
    prompts: Location
    vae_slicing: bool = False
    vae_tiling: bool = False
