"""The model that ``model`` overrides choose, or that a preset names."""

from __future__ import annotations

from collections.abc import Sequence

from dato import Preset
from search.errors import UserError
from search.model.loading import ModelConfig
from search.settings.compose import compose_model
from search.settings.groups import options
from search.workers.open_pool import model_config

OF_THE_PRESET = (
    *("model.scheduler", "model.scheduler_settings"),
    *("model.num_inference_steps", "model.guidance_scale"),
)
"""Settings that a preset fixes, because its schedule and measurements belong to them."""


def chosen_model(overrides: Sequence[str]) -> ModelConfig:
    """The model of overrides such as ``model=sd15 model.device=cpu``; without any, the embedded
    one.

    Raises:
        UserError: an override is of another group, or sets what presets fix.
    """
    for override in overrides:
        setting = override.lstrip("+~").partition("=")[0]
        if setting.startswith(OF_THE_PRESET):
            raise UserError(f"Cannot set {override!r}: a preset fixes {setting}. Leave it out.")
    return own_model(overrides)


def own_model(overrides: Sequence[str]) -> ModelConfig:
    """The model of overrides with its own sampler, steps and guidance.

    Raises:
        UserError: an override is of another group.
    """
    return model_config(compose_model(overrides))


def model_of(preset: Preset, overrides: Sequence[str]) -> ModelConfig:
    """The model of overrides, or the preset's own if no override names one.

    Raises:
        UserError: neither the overrides nor the preset name a model of ``conf/model``.
    """
    named = any(override.startswith("model=") for override in overrides)
    known = preset.model.id in known_models()
    if not (named or known) and not any(each.startswith("model.path=") for each in overrides):
        raise UserError(
            f"Cannot find the model {preset.model.id!r} of the preset {preset.name!r}: it is none "
            f"of {', '.join(known_models())}. Give model.path=FOLDER or a hub id."
        )
    head = [] if named else [f"model={preset.model.id if known else 'custom'}"]
    return chosen_model([*head, *overrides])


def known_models() -> tuple[str, ...]:
    """Names for ``model=NAME`` whose path is known."""
    return tuple(name for name in options("model") if name != "custom")
