"""The presets that ship with the package, by name. Imports no torch."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from dato.errors import UnknownPresetError
from dato.preset import Preset
from dato.preset.explain import closest
from dato.preset.hub import PREFIX, hub_file

FOLDER = Path(__file__).parent / "presets"
SCHEMA = "schema.json"


def list_presets(model: str | None = None) -> tuple[str, ...]:
    """The sorted names of the shipped presets, or of those whose ``model.id`` is ``model``."""
    names = _names(FOLDER)
    if model is None:
        return names
    return tuple(name for name in names if _shipped(FOLDER, name).model.id == model)


def load_preset(name_or_path: str | os.PathLike[str]) -> Preset:
    """A preset by its shipped name, such as ``"pocket/balanced"``, by its path or by its Hub name.

    Args:
        name_or_path: a name of :func:`list_presets`, a JSON file, or ``"hub:USER/REPO/NAME"`` for
            the file ``NAME.json`` of a repository on the Hugging Face Hub.

    Raises:
        UnknownPresetError: no shipped preset and no file has the name; lists the shipped names.
        HubError: the Hub's file can be neither downloaded nor found in the cache.
        PresetError, ScheduleError: the file breaks the format.
    """
    if not isinstance(name_or_path, str):
        return Preset.load(name_or_path)
    if name_or_path.startswith(PREFIX):
        return Preset.load(hub_file(name_or_path))
    if name_or_path in _names(FOLDER):
        return _shipped(FOLDER, name_or_path)
    if name_or_path.endswith(".json") or os.path.isfile(name_or_path):
        return Preset.load(name_or_path)
    raise UnknownPresetError(
        f"No shipped preset has the name {name_or_path!r}, and there is no such file.",
        remedy=closest(name_or_path, list(_names(FOLDER))),
    )


@cache
def _names(folder: Path) -> tuple[str, ...]:
    files = (path.relative_to(folder) for path in folder.rglob("*.json"))
    return tuple(sorted(path.with_suffix("").as_posix() for path in files if str(path) != SCHEMA))


@cache
def _shipped(folder: Path, name: str) -> Preset:
    return Preset.load(folder / f"{name}.json")
