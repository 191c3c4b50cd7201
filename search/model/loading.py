"""Which model a study runs, and how its diffusers pipeline is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import diffusers
import torch

from dato.pocket.folder import from_folder
from dato.preset.fields import Setting
from search.errors import UserError
from search.model.architectures import PUBLISHED
from search.model.devices import device_of
from search.model.quiet_loading import quiet_loading
from search.model.samplers import set_scheduler
from search.model.tiny_architectures import TINY
from search.model.untrained import build
from search.model.weights import POCKET, pipeline_folder
from search.records.base_sampler import OWN
from search.records.timesteps import OWN_TIMESTEPS, Timesteps
from search.settings.model import ArchitectureName

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
Weights = Literal["pretrained", "random", "tiny"]

_VARIANT = re.compile(r"(?:model|pytorch)[\w-]*\.(\w+?)(?:-\d{5}-of-\d{5})?\.safetensors$")


@dataclass(frozen=True)
class ModelConfig:
    """A model and its sampler.

    Args:
        path: a diffusers pipeline folder, ``"pocket"`` or ``"pocket-flow"`` for an embedded model,
            or a hub id.
        weights: ``"pretrained"`` loads ``path``; ``"random"`` builds ``architecture`` as published
            without weights, ``"tiny"`` at reduced width too.
        architecture: for models that are built. It is not compared with what ``path`` holds.
        scheduler: class name of a diffusers scheduler, such as ``"DDIMScheduler"``, or ``"own"``:
            the one that the pipeline comes with. ``scheduler_settings``: those that differ from
            the pipeline's.
        num_inference_steps: steps of the scheduler, which may make more calls than that.
            ``timesteps``: where they are.
        guidance_scale: with 1 or less there is no classifier-free guidance.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
        batch_size: images per denoising run.
        vae_slicing: decode one image at a time; ``vae_tiling`` decode in overlapping tiles.
    """

    path: str = POCKET
    weights: Weights = "pretrained"
    architecture: ArchitectureName | None = None
    scheduler: str = OWN
    scheduler_settings: Mapping[str, Setting] = field(default_factory=dict)
    num_inference_steps: int = 50
    timesteps: Timesteps = OWN_TIMESTEPS
    guidance_scale: float = 3.0
    dtype: str = "float32"
    device: str = "cpu"
    batch_size: int = 8
    vae_slicing: bool = False
    vae_tiling: bool = False

    def __post_init__(self) -> None:
        for name in ("num_inference_steps", "batch_size"):
            if getattr(self, name) < 1:
                raise UserError(
                    f"model.{name}={getattr(self, name)} is too small. Take at least 1."
                )
        if self.dtype not in DTYPES:
            raise UserError(
                f"model.dtype={self.dtype!r} is unknown. Choose one of {', '.join(DTYPES)}."
            )

    @property
    def guided(self) -> bool:
        """Whether every image takes two rows of the denoiser's batch."""
        return self.guidance_scale > 1


def load_pipeline(model: ModelConfig) -> Any:
    """The pipeline with its scheduler swapped, on its device, progress bar off.

    Raises:
        UserError: the folder, the scheduler or the device does not exist.
    """
    device = device_of(model.device)
    with quiet_loading():
        pipe = _load(model) if model.weights == "pretrained" else _build(model, device)
    set_scheduler(pipe, model.scheduler, model.scheduler_settings)
    pipe.set_progress_bar_config(disable=True)
    for wanted, name in ((model.vae_slicing, "slicing"), (model.vae_tiling, "tiling")):
        if wanted:
            getattr(pipe.vae, f"enable_{name}")()
    # Half precision runs on a CPU too; diffusers says of every part that it does not.
    return pipe.to(device, silence_dtype_warnings=True)


def load_scheduler(model: ModelConfig) -> Any:
    """The pipeline with its scheduler alone, swapped as :func:`load_pipeline` does; no weights are
    read.

    Raises:
        UserError: the folder or the scheduler does not exist.
    """
    with quiet_loading():
        if model.weights == "pretrained":
            pipe = _load(model, only="scheduler")
        else:
            pipe = _build(model, torch.device("meta"))
    set_scheduler(pipe, model.scheduler, model.scheduler_settings)
    return pipe


def _load(model: ModelConfig, only: str | None = None) -> Any:
    folder = pipeline_folder(model.path)
    try:
        return from_folder(
            folder,
            only=only,
            dtype=DTYPES[model.dtype],
            local_files_only=True,
            use_safetensors=True,  # the other format is pickle, whose files can run code
            variant=variant_of(folder),
        )
    except (OSError, ValueError, AttributeError, ImportError, KeyError, TypeError) as error:
        raise UserError(
            f"Cannot load model.path={model.path!r} as a diffusers pipeline "
            f"({_first_line(error)}). Give a folder that save_pretrained wrote, whose classes the "
            f"installed diffusers {diffusers.__version__} knows."
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def variant_of(folder: Path) -> str | None:
    """The variant of the weights, such as ``"fp16"``, if the folder holds no others."""
    names = [path.name for path in folder.glob("*/*.safetensors")]
    variants = {match[1] if (match := _VARIANT.search(name)) else None for name in names}
    return min(variants, key=str) if variants and None not in variants else None


def _build(model: ModelConfig, device: torch.device) -> Any:
    if model.architecture is None:
        raise UserError(
            f"model.weights={model.weights} needs a published architecture, and none is set. "
            f"Use model={'|'.join(get_args(ArchitectureName))}, or set model.architecture."
        )
    architectures = TINY if model.weights == "tiny" else PUBLISHED
    return build(architectures[model.architecture], DTYPES[model.dtype], device)
