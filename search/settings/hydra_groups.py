"""Composes the shipped groups with what a person typed: the only file that imports Hydra."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from search.errors import ConfigError, UserError
from search.settings.embedded import check_paths
from search.settings.groups import CONF
from search.settings.model_name import model_name
from search.settings.typed import Typed, nested, problems

OPEN = "model.scheduler_settings"
"""A setting that holds whatever a scheduler takes: no group names its keys."""
HEADLINE = "The command cannot be run"


def composed(overrides: Sequence[str], space: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The resolved configuration.

    Args:
        overrides: texts are taken as they are, everything else in Hydra's grammar.
        space: takes the place of the group ``space``.

    Raises:
        UserError: overrides that are no settings, or that Hydra refuses.
    """
    typed = _checked(overrides)
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("config", [_spelt(each) for each in typed if not each.is_text])
        check_paths(typed, OmegaConf.select(config, "model.path"), str(config.model.id))
        for each in typed:
            if each.is_text:
                OmegaConf.update(config, each.key, each.plain, force_add=True)
        if space is not None:
            OmegaConf.update(config, "space.name", space["name"], force_add=True)
        _name_model(config, typed)
        _require_values(config)
        values = _plain(config)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_explained(error)) from error
    return values if space is None else values | {"space": dict(space)}


def changes(overrides: Sequence[str]) -> dict[str, Any]:
    """What overrides change, without a configuration to change.

    Raises:
        UserError: they cannot be read.
    """
    values: dict[str, Any] = {}
    try:
        for each in _checked(overrides):
            change = (
                nested(each.key, each.plain)
                if each.is_text
                else OmegaConf.from_dotlist([f"{each.key}={each.value}"])
            )
            values = _plain(OmegaConf.merge(values, change))
        return values
    except OmegaConfBaseException as error:
        raise UserError(_explained(error)) from error


def _spelt(each: Typed) -> str:
    """An override for Hydra, which adds keys that are new only where it is told to."""
    is_open = each.key == OPEN or each.key.startswith(f"{OPEN}.")
    return f"++{each.text.lstrip('+')}" if is_open and not each.text.startswith("~") else each.text


def _checked(overrides: Sequence[str]) -> list[Typed]:
    typed = [Typed.of(each) for each in overrides]
    mistakes = [*problems(typed), *(text for each in typed for text in _unreadable(each))]
    if mistakes:
        raise ConfigError(HEADLINE, mistakes)
    return typed


def _unreadable(each: Typed) -> list[str]:
    """A sentence with the spelling that works, where Hydra's grammar refuses a value."""
    if "=" not in each.text or each.is_text or _parses(each.text):
        return []
    quoted = f"{each.text.partition('=')[0]}={_in_quotes(each.value)}"
    remedy = f"Write {shlex.quote(quoted)}" if _parses(quoted) else "Check its brackets."
    return [f"{each.text!r} cannot be read as a number, a list or a word. {remedy}"]


def _in_quotes(value: str) -> str:
    if value.startswith("[") and value.endswith("]"):
        items = (item.strip().strip("\"'") for item in value[1:-1].split(","))
        return f"[{','.join(map(_in_quotes, items))}]"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parses(text: str) -> bool:
    try:
        OverridesParser.create().parse_override(text)
    except HydraException:
        return False
    return True


def _name_model(config: DictConfig, typed: Sequence[Typed]) -> None:
    """A model that is given by its path is named after it, whatever group it belongs to."""
    keys = {each.key for each in typed}
    unnamed = config.model.id is None or ("model.path" in keys and "model.id" not in keys)
    path = OmegaConf.select(config, "model.path")
    if unnamed and path:
        OmegaConf.update(config, "model.id", model_name(str(path)).replace("${", "\\${"))


def _require_values(config: DictConfig) -> None:
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        mistakes = [
            f"{key} has no value. Add {key}={_EXAMPLES.get(key, 'VALUE')}." for key in missing
        ]
        raise ConfigError(HEADLINE, mistakes)


_NEW = re.compile(r"Could not override '(?P<key>[^']+)'.* use (?P<typed>\+\S+)")
"""Hydra's answer to a key that a group may have and does not, such as an option of a sampler."""

_EXAMPLES = {
    "model.path": "FOLDER, a folder that save_pretrained wrote or a hub id",
    "model.prompts": "prompts.txt, a file with one prompt a line",
}


def _plain(config: Any) -> dict[str, Any]:
    values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _explained(error: Exception) -> str:
    """Hydra's message as one paragraph."""
    text = " ".join(str(error).split())
    if error.__cause__ is not None:
        text = f"{text} {' '.join(str(error.__cause__).split())}"
    text = text.partition(" Config search path")[0]
    new = _NEW.search(text)
    if new is not None:
        return f"{new['key']} is not in the configuration. Write {new['typed']} to add it."
    return f"The overrides do not fit the configuration: {text}. Correct them, or leave them out."
