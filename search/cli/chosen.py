"""The pipeline that a person chose by ``model`` overrides, or that a preset names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from dato import Preset
from search.errors import UserError
from search.launch.workers.open_pool import model_config
from search.model.loading import ModelConfig
from search.settings.compose import compose_model

OF_THE_PRESET = ("model.scheduler", "model.num_inference_steps", "model.guidance_scale")
"""What a preset fixes, because its schedule and measurements belong to it."""


def chosen_model(overrides: Sequence[str]) -> ModelConfig:
    """The model of overrides such as ``model=sd15 model.device=cpu``; without, the embedded one.

    Raises:
        UserError: an override is of another group, or of what presets fix.
    """
    for override in overrides:
        setting = override.lstrip("+~").partition("=")[0]
        if setting in OF_THE_PRESET:
            raise UserError(f"A preset fixes {setting}; found {override!r}. Leave it out.")
    return model_config(compose_model(overrides))


def model_of(preset: Preset, overrides: Sequence[str]) -> ModelConfig:
    """The same, where a preset's own model is meant when no override names one.

    Raises:
        UserError: nor does the preset name a model of ``conf/model``.
    """
    named = any(override.startswith("model=") for override in overrides)
    known = preset.model.id in known_models()
    if not (named or known) and not any(each.startswith("model.path=") for each in overrides):
        raise UserError(
            f"A preset's model is one of {', '.join(known_models())} or given; {preset.name!r} is "
            f"for {preset.model.id!r}. Say where it is with model.path=FOLDER or a hub id."
        )
    head = [] if named else [f"model={preset.model.id if known else 'custom'}"]
    return replace(chosen_model([*head, *overrides]), scheduler=preset.sampler.scheduler)


def known_models() -> tuple[str, ...]:
    """Names for ``model=NAME`` whose path is known."""
    found = (file.name for file in files("conf").joinpath("model").iterdir())
    names = {name.removesuffix(".yaml") for name in found if name.endswith(".yaml")}
    return tuple(sorted(names - {"custom"}))
