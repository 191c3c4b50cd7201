"""What a model's configuration alone says: no weight is read or made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch

from dato import Topology
from dato.errors import DatoError
from dato.scheduler_settings import settings_of
from search.model.architectures import PUBLISHED
from search.model.loading import ModelConfig
from search.model.quiet_loading import quiet_loading
from search.model.samplers import fits, swapped
from search.model.tiny_architectures import TINY
from search.model.topology import topology_of
from search.model.weights import local_folder
from search.records.base_sampler import OWN, setting_line

UNKNOWN = (OSError, ValueError, KeyError, TypeError, AttributeError, DatoError)
"""What a folder raises that the installed diffusers cannot read. Loading it says what is wrong."""


def outline(model: ModelConfig) -> Topology | None:
    """What a space can name of a model; None where only loading it can tell: its weights are not
    on this machine yet, or its folder is not one that the installed diffusers reads."""
    try:
        with quiet_loading(), torch.device("meta"):
            denoiser = _denoiser(model)
        return None if denoiser is None else topology_of(denoiser)
    except UNKNOWN:
        return None


def sampler_line(model: ModelConfig) -> str:
    """What a study runs: ``"DPM-Solver++ 2M, Karras sigmas, 20 steps, guidance 4"``.

    Raises:
        UserError: see :func:`scheduler_of`.
    """
    scheduler = scheduler_of(model)
    if scheduler is None:
        name, settings = model.scheduler, dict(model.scheduler_settings)
        name = "the pipeline's own sampler" if name == OWN else name
    else:
        name, settings = type(scheduler).__name__, settings_of(scheduler)
    return setting_line(name, settings, model.num_inference_steps, model.guidance_scale)


def scheduler_of(model: ModelConfig) -> Any:
    """The scheduler that a model will run with; None where only loading it can tell.

    Raises:
        UserError: there is no such scheduler, it does not fit the model, or it has no such setting.
    """
    known = _known(model)
    return None if known is None else swapped(*known, model.scheduler, model.scheduler_settings)


def takes_scheduler(model: ModelConfig, name: str) -> bool:
    """Whether a model can be sampled with the diffusers class ``name``; true where only loading it
    can tell."""
    known = _known(model)
    return known is None or fits(name, *known)


def _denoiser(model: ModelConfig) -> Any:
    if model.weights != "pretrained":
        if model.architecture is None:
            return None
        architectures = TINY if model.weights == "tiny" else PUBLISHED
        kind, config = architectures[model.architecture].denoiser
        return kind(**config)
    folder = local_folder(model.path)
    return None if folder is None else _of_folder(folder)


def _of_folder(folder: Path) -> Any:
    return _part(folder, "unet" if "unet" in _index(folder) else "transformer")


def _known(model: ModelConfig) -> tuple[Any, str] | None:
    try:
        with quiet_loading():
            return _scheduler(model)
    except UNKNOWN:
        return None


def _scheduler(model: ModelConfig) -> tuple[Any, str] | None:
    """The scheduler that the model comes with, and the name of its pipeline's class."""
    if model.weights != "pretrained":
        if model.architecture is None:
            return None
        published = PUBLISHED[model.architecture]
        kind, config = published.scheduler
        return kind(**config), published.pipeline.__name__
    folder = local_folder(model.path)
    return None if folder is None else (_part(folder, "scheduler"), _index(folder)["_class_name"])


def _part(folder: Path, name: str) -> Any:
    kind = getattr(diffusers, _index(folder)[name][1])
    return kind.from_config(kind.load_config(folder / name))


def _index(folder: Path) -> Any:
    return json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
