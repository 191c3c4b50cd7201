"""What a model that is given by its place is called."""

from __future__ import annotations

import os
from pathlib import Path

CACHED = "models--"
"""How the Hub's cache begins the folder of a model: ``models--USER--REPO/snapshots/REVISION``."""


def model_name(path: str) -> str:
    """The name that presets give a model: that of its folder, or its hub id.

    The folders above are left out: they are the machine's, and presets are shared. So two folders
    of one name share it; what tells the models apart is the fingerprint of their weights.

    Args:
        path: a pipeline's folder, there or not, or a hub id.
    """
    place = os.path.expanduser(path)
    if is_hub_id(path) and not os.path.isdir(place):
        return path
    # Not resolved: a link is called what its maker called it.
    folder = Path(os.path.abspath(place))
    if folder.parent.name == "snapshots" and folder.parts[-3].startswith(CACHED):
        return folder.parts[-3].removeprefix(CACHED).replace("--", "/", 1)
    return folder.name or "model"


def is_hub_id(path: str) -> bool:
    """Whether a path reads as ``USER/REPO``."""
    return path.count("/") == 1 and not path.startswith((".", "/", "~")) and path[-1] != "/"
