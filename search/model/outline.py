"""A denoiser's topology from its configuration alone: no weight is read or made."""

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
from search.model.weights import local_folder


def outline(model: ModelConfig) -> Topology | None:
    """What a space can name of a model; None where only loading it can tell: its weights are not
    on this machine yet, or its folder is not one that the installed diffusers reads."""
    try:
        with quiet_loading(), torch.device("meta"):
            denoiser = _denoiser(model)
        return None if denoiser is None else topology(denoiser)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DatoError):
        return None  # loading it says what is wrong


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
    parts = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    name = "unet" if "unet" in parts else "transformer"
    kind = getattr(diffusers, parts[name][1])
    return kind.from_config(kind.load_config(folder / name))
