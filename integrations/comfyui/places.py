"""Where a preset's name leads: ``models/dato`` first, then any path, then the shipped presets."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths

FOLDER = "dato"

folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER))


def source_of(name: str) -> str | Path:
    """The file of a name in ``models/dato``, with or without ``.json``; else the name itself."""
    for each in (name, f"{name}.json"):
        path = folder_paths.get_full_path(FOLDER, each)
        if path is not None:
            return Path(path)
    return name
