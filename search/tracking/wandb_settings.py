"""The settings file in the current folder that W&B reads by itself, whoever wrote it."""

from __future__ import annotations

import configparser
from pathlib import Path

from search.errors import UserError
from search.records.reading import read_text

SHOWN = ("entity", "base_url")
"""Settings that say where a run goes. Of others only the names are shown: they may be secrets."""


def settings_in(folder: Path) -> str:
    """What W&B takes from the settings file of a folder, for people; empty where there is none.

    ``wandb init`` writes the file. The installed W&B reads it whenever a process starts a run in
    that folder, before the environment's variables and what the run is started with.
    """
    inside = ".wandb" if (folder / ".wandb").exists() else "wandb"
    path = folder / inside / "settings"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        if not path.is_file():
            return ""
        parser.read_string(read_text(path, ""))
        settings = dict(parser.items("default"))
    except (OSError, UserError, configparser.Error):  # W&B takes nothing from it either
        return ""
    named = [f"{name}={settings.pop(name)}" for name in SHOWN if name in settings]
    return f"{', '.join([*named, *settings])} from {str(path)!r}" if named or settings else ""
