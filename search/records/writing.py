"""Writes plain data as JSON files."""

from __future__ import annotations

import json
from pathlib import Path

from dato.files import replace_text


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as strict, indented JSON."""
    replace_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
