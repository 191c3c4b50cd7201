"""Turns names that people choose into names of files."""

from __future__ import annotations

import re
from pathlib import Path

from search.records.folder import StudyFolder


def slug(text: str) -> str:
    """``text`` in the characters that a preset's name, a file and an artifact may all have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100] or "study"


def sample_path(folder: StudyFolder, name: str) -> Path | None:
    """The sample grid of ``name``; ``None`` when there is none, or it would leave the folder."""
    path = folder.samples / f"{name}.png"
    try:
        return path if path.parent == folder.samples and path.is_file() else None
    except (OSError, ValueError):
        return None
