"""Which features and real images belong to a model, where the settings leave that to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dato.pocket.names import FOLDERS

OF_THE_MODEL = "model"
"""In ``quality.features`` and ``quality.real``: what belongs to the model."""

POCKET = {"features": "pocket", "real": "pocket"}
"""Renders and features of scenes belong to the embedded models alone."""

UNTRAINED = {"features": "pocket", "real": "none"}
"""No feature means anything of a model without weights; these need no extra."""

OTHERS = {"features": "inception", "real": "none"}


def measures(quality: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of quality with what belongs to the model."""
    known = POCKET if is_pocket(model) else OTHERS if _trained(model) else UNTRAINED
    left = [name for name in known if quality.get(name) == OF_THE_MODEL]
    return {**quality, **{name: known[name] for name in left}}


def is_pocket(model: Mapping[str, Any]) -> bool:
    """Whether a model's settings mean an embedded one. A folder of one's own is another model,
    even where it began as a copy."""
    return model.get("path") in FOLDERS and _trained(model)


def _trained(model: Mapping[str, Any]) -> bool:
    return bool(model.get("weights", "pretrained") == "pretrained")
