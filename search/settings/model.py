"""Settings of the model that is tuned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from dato.preset.fields import MAX_SETTINGS, Setting, SettingName
from search.records.base_sampler import OWN
from search.settings.base import Location, Settings

ArchitectureName = Literal[
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
"""Of the published architectures that a study can build (:mod:`search.model.architectures`)."""


class ModelSettings(Settings):
    """Which pipeline is tuned, and how it samples.

    Args:
        id: name written into presets; where ``path`` is given, by default the name of its folder,
            or the hub id (``search.settings.model_name``).
        path: ``"pocket"``, ``"pocket-flow"``, a diffusers pipeline folder or a hub id.
        weights: ``"pretrained"`` loads those of ``path``. Without weights, ``"random"`` builds
            ``architecture`` as published, and ``"tiny"`` at reduced width.
        architecture: what ``random`` and ``tiny`` build.
        scheduler: ``"own"`` is what the pipeline comes with, with all of its settings; or a class
            name of diffusers, which takes its place and keeps the settings that both have.
        scheduler_settings: those that differ from the pipeline's, by name, such as
            ``{use_karras_sigmas: true}``.
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
    architecture: ArchitectureName | None = None
    scheduler: str = OWN
    scheduler_settings: Mapping[SettingName, Setting] = Field(
        default_factory=dict, max_length=MAX_SETTINGS
    )
    num_inference_steps: int = Field(ge=2, le=1000)
    guidance_scale: float = Field(ge=0)
    dtype: Literal["float32", "float16", "bfloat16"]
    device: str
    batch_size: int = Field(ge=1)
    prompts: Location
    vae_slicing: bool = False
    vae_tiling: bool = False
