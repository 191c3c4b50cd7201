"""From command-line overrides to one resolved configuration, through Hydra's compose API."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from search.errors import UserError
from search.settings import AUTO, Config, ModelSettings, cpu_batch, parse_config, parse_model
from search.settings.safe_yaml import read_yaml

RESUMABLE = ("budget", "tracker", "launcher", "rivals", "export")
"""Groups that may change when a study resumes; everything else defines what was measured."""


def compose_config(
    overrides: Sequence[str], automatic: Callable[[Config], int] = cpu_batch
) -> Config:
    """The configuration of a new study.

    Args:
        overrides: Hydra overrides. ``space=path/to/file.yaml`` reads a space from that file, and
            ``constraints.speedup=>=5`` needs no quotes inside the shell's own.
        automatic: finds the batch size that ``model.batch_size=auto`` stands for, from the
            configuration with a batch of 1. The number is kept, so a resumed study has the same.

    Raises:
        UserError: for overrides that Hydra refuses.
        ConfigError: for values that the settings refuse.
    """
    overrides, space = _take_space_file(overrides)
    values = _composed(overrides)
    if space is not None:
        values["space"] = space
    values = _with_folder(values)
    model = values["model"]
    if isinstance(model, dict) and model.get("batch_size") == AUTO:
        model["batch_size"] = 1
        model["batch_size"] = automatic(parse_config(values))
    return parse_config(values)


def compose_model(overrides: Sequence[str]) -> ModelSettings:
    """The model that overrides such as ``model=sd15`` name, for commands that search nothing.

    Raises:
        UserError: see :func:`compose_config`, or an override of another group.
        ConfigError: for values that the settings refuse.
    """
    for override in overrides:
        if override.lstrip("+~").partition("=")[0].partition(".")[0] != "model":
            raise UserError(
                f"Only settings of the model are taken here, not {override!r}. Use model=NAME, "
                "model.path=FOLDER, model.device=cuda and the like."
            )
    # Some models ask for a study's prompts; none are read here.
    return parse_model(_composed(["model.prompts=pocket", *overrides]))


def save_config(config: Config) -> str:
    """The configuration as YAML, as the study folder keeps it."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """A study's own configuration, with overrides that a resumed study may take.

    The folder may come from a stranger, so its file is plain data: Hydra never sees it, and text
    that looks like an interpolation (``${oc.env:...}``) stays text.

    Raises:
        UserError: an override would change what the study's trials measured.
    """
    stored = parse_config(read_yaml(path)).model_dump(mode="json")
    for override in overrides:
        group = override.lstrip("+~").partition("=")[0].partition(".")[0]
        if group not in RESUMABLE or "." not in override.partition("=")[0]:
            raise UserError(
                f"{override!r} cannot be applied on resume: a study keeps what its trials were "
                f"measured with. Change settings under {', '.join(RESUMABLE)} (such as "
                "budget.trials=200), or start a new sweep."
            )
    try:
        changes = _plain(OmegaConf.from_dotlist(list(overrides)))
    except OmegaConfBaseException as error:
        raise UserError(_explain(error)) from error
    return parse_config(_merged(stored, changes))


def _composed(overrides: Sequence[str]) -> dict[str, Any]:
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("conf", version_base="1.3"):
            return _plain(compose("config", [_quoted(override) for override in overrides]))
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_explain(error)) from error


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with ``changes``, mapping by mapping."""
    merged = dict(values)
    for key, change in changes.items():
        known = merged.get(key)
        if isinstance(known, Mapping) and isinstance(change, Mapping):
            merged[key] = _merged(known, change)
        else:
            merged[key] = change
    return merged


def _plain(config: Any) -> dict[str, Any]:
    values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _take_space_file(overrides: Sequence[str]) -> tuple[list[str], dict[str, Any] | None]:
    rest, space = [], None
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "space" and value.endswith((".yaml", ".yml")):
            space = {"name": Path(value).stem} | read_yaml(Path(value))
        else:
            rest.append(override)
    return rest, space


def _quoted(override: str) -> str:
    """The override with quotes that Hydra's grammar wants around ``<`` and ``>``.

    The user's own quotes do not reach it: the shell removes them.
    """
    key, _, value = override.partition("=")
    bare = key.lstrip("+").startswith("constraints.") and value.startswith(("<", ">"))
    return f'{key}="{value}"' if bare else override


def _with_folder(values: dict[str, Any]) -> dict[str, Any]:
    study = values.get("study")
    if isinstance(study, dict) and study.get("folder") is None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        study["folder"] = str(Path("studies") / f"{study.get('name')}-{stamp}")
    storage = values.get("storage")
    if isinstance(study, dict) and isinstance(storage, dict) and storage.get("kind") == "postgres":
        storage["study"] = storage.get("study") or Path(str(study["folder"])).name
    return values


def _explain(error: Exception) -> str:
    """Hydra's message as one paragraph, with the closest valid option where one is near."""
    text = " ".join(str(error).split())
    if isinstance(error, ConfigCompositionException) and error.__cause__ is not None:
        text = f"{text} {' '.join(str(error.__cause__).split())}"
    text = text.partition(" Config search path")[0]
    missing = text.partition("Could not find '")[2].partition("'")[0]
    options = text.partition("Available options in '")[2].partition("': ")[2].split()
    close = difflib.get_close_matches(missing.rpartition("/")[2], options, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    override = getattr(error, "override", None)
    place = f" (in {override!r})" if override else ""
    return f"The overrides do not fit the configuration: {text}{place}{hint}"
