"""From command-line overrides to one resolved configuration, and a study's own from its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from search.errors import UserError
from search.settings import AUTO, Config, ModelSettings, cpu_batch, parse_config, parse_model
from search.settings.base import expanded
from search.settings.groups import options
from search.settings.safe_yaml import read_yaml

RESUMABLE = ("budget", "tracker", "launcher", "rivals", "export", "tune")
"""Groups that may change when a study resumes; everything else defines what was measured."""


def compose_config(
    overrides: Sequence[str], automatic: Callable[[Config], int] = cpu_batch
) -> Config:
    """The configuration of a new study.

    Args:
        overrides: Hydra overrides. ``space=path/to/file.yaml`` reads a space from that file, and
            settings that are texts, such as paths and bounds, need no quotes inside the shell's
            own.
        automatic: finds the batch size that ``model.batch_size=auto`` stands for, from the
            configuration with a batch of 1. The number is kept, so a resumed study has the same.

    Raises:
        UserError: for overrides that Hydra refuses.
        ConfigError: for values that the settings refuse.
    """
    from search.settings.hydra_groups import composed

    overrides, space = _take_space_file(overrides)
    values = _with_folder(composed(overrides, space))
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
                f"{override!r} is no setting of the model. Use model=NAME, "
                "model.path=FOLDER, model.device=cuda and the like."
            )
    from search.settings.hydra_groups import composed

    # Some models ask for a study's prompts; none are read here.
    return parse_model(composed(["model.prompts=pocket", *overrides]))


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
    if not overrides:
        return parse_config(stored)
    from search.settings.hydra_groups import changes

    return parse_config(_merged(stored, changes(overrides)))


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


def _take_space_file(overrides: Sequence[str]) -> tuple[list[str], dict[str, Any] | None]:
    rest, space = [], None
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "space" and value.endswith((".yaml", ".yml")):
            space = _space(_path(value.strip("\"'")))
        else:
            rest.append(override)
    return rest, space


def _path(text: str) -> Path:
    try:
        return Path(expanded(text))
    except ValueError as error:
        raise UserError(f"space={text}: {error}") from error


def _space(path: Path) -> dict[str, Any]:
    """The space of a file, which is named after the file unless it has a name of its own. The name
    of a shipped space was only copied with it."""
    values = read_yaml(path)
    named = values.get("name") not in (None, *options("space"))
    return values if named else {**values, "name": path.stem}


def _with_folder(values: dict[str, Any]) -> dict[str, Any]:
    study = values.get("study")
    if isinstance(study, dict) and study.get("folder") is None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        # The name of a model from the Hub has a slash.
        name = str(study.get("name")).replace("/", "-")
        study["folder"] = str(Path("studies") / f"{name}-{stamp}")
    storage = values.get("storage")
    if isinstance(study, dict) and isinstance(storage, dict) and storage.get("kind") == "postgres":
        storage["study"] = storage.get("study") or Path(str(study["folder"])).name
    return values
