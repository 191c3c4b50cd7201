"""What a model's configuration alone says: no weight is read or made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch

from dato import Topology, topology
from dato.errors import DatoError
from search.model.architectures import PUBLISHED, TINY
from search.model.loading import ModelConfig
from search.model.quiet_loading import quiet_loading
from search.model.samplers import scheduler_class
from search.model.weights import local_folder

UNKNOWN = (OSError, ValueError, KeyError, TypeError, AttributeError, DatoError)
"""What a folder raises that the installed diffusers cannot read. Loading it says what is wrong."""


def outline(model: ModelConfig) -> Topology | None:
    """What a space can name of a model; None where only loading it can tell: its weights are not
    on this machine yet, or its folder is not one that the installed diffusers reads."""
    try:
        with quiet_loading(), torch.device("meta"):
            denoiser = _denoiser(model)
        return None if denoiser is None else topology(denoiser)
    except UNKNOWN:
        return None


def check_scheduler(model: ModelConfig) -> None:
    """Check ``model.scheduler`` where it can be told without loading the model.

    Raises:
        UserError: there is no such scheduler, or it does not fit the model.
    """
    try:
        with quiet_loading():
            found = _scheduler(model)
    except UNKNOWN:
        return
    if found is not None:
        scheduler_class(model.scheduler, *found)


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


def _scheduler(model: ModelConfig) -> tuple[Any, str] | None:
    """The scheduler that the model comes with, and the name of its pipeline's class."""
    if model.weights != "pretrained":
        if model.architecture is None:
            return None
        own = PUBLISHED[model.architecture]
        kind, config = own.scheduler
        return kind(**config), own.pipeline.__name__
    folder = local_folder(model.path)
    return None if folder is None else (_part(folder, "scheduler"), _index(folder)["_class_name"])


def _part(folder: Path, name: str) -> Any:
    kind = getattr(diffusers, _index(folder)[name][1])
    return kind.from_config(kind.load_config(folder / name))


def _index(folder: Path) -> Any:
    return json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
