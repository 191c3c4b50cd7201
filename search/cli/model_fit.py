"""A preset and a model that somebody else named: whether they belong together, before loading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from dato import Preset, list_presets
from dato.errors import MismatchError
from dato.fit import Fit
from search.cli.chosen import known_models
from search.errors import UserError
from search.model.loading import ModelConfig
from search.model.outline import outline, takes_scheduler


def check_model(preset: Preset, model: ModelConfig, overrides: Sequence[str]) -> None:
    """Refuse a preset that is for another kind of model than the one that overrides name.

    One of the same architecture runs presets of its base model. What only a loaded model can tell
    is left to :func:`dato.apply`.

    Raises:
        UserError: naming both models.
    """
    check_sampler(preset, model, overrides)
    topology = outline(model)
    if topology is None or not topology.skip_branches:
        return
    depths, own = topology.skip_branches, preset.model.skip_branches
    if own != depths:
        why = f"The one's denoiser can be cut at {own} depths, the other's at {depths}."
        _refuse(preset, model, overrides, why)
    try:
        Fit.of(preset, topology, None)
    except MismatchError as error:
        _refuse(preset, model, overrides, error.fault)


def check_sampler(preset: Preset, model: ModelConfig, overrides: Sequence[str]) -> None:
    """Refuse a preset whose sampler cannot run the model that overrides name.

    Raises:
        UserError: see :func:`check_model`.
    """
    if not takes_scheduler(model, preset.sampler.scheduler):
        _refuse(preset, model, overrides, f"{preset.sampler.scheduler} cannot sample it.")


def _refuse(preset: Preset, model: ModelConfig, overrides: Sequence[str], why: str) -> NoReturn:
    """Say who names which model, and what else there is."""
    typed = dict(each.split("=", 1) for each in overrides if "=" in each)
    keys = [key for key in ("model", "model.path") if key in typed]
    own, last = preset.model.id, typed[keys[-1]] if keys else model.path
    named = f"{keys[-1]}= names {last!r}" if keys else f"{last!r} is loaded"  # for another preset
    remedies = []
    if keys and own in known_models():
        remedies.append(f"leave out {' and '.join(f'{key}=' for key in keys)}")
    elif keys:
        remedies.append(f"give the folder or hub id of {own!r} as model.path")
    presets = list_presets(last)
    remedies.append(f"choose one of {', '.join(presets)}" if presets else "choose another preset")
    remedy = ", or ".join(remedies)
    raise UserError(
        f"The preset {preset.name!r} is for the model {own!r}, and {named}. {why} "
        f"{remedy[0].upper()}{remedy[1:]}."
    )
