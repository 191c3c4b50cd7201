"""Preset files on disk, and others that are as small."""

from __future__ import annotations

from pathlib import Path

from dato.errors import NotJsonError, PresetFileError
from dato.preset.parse import MAX_BYTES, check_size


def read_text(path: Path, kind: str = "preset file") -> str:
    """Text of a preset file, or of another kind of file of at most its size.

    Raises:
        PresetFileError: the file is missing or unreadable.
        TooLargeError, NotJsonError: it is too large, or not UTF-8 without a byte-order mark.
    """
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "no such file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise PresetFileError(
            f"Cannot read the {kind} {str(path)!r}: {getattr(error, 'strerror', None) or error}.",
            remedy="Check the path, or use a shipped name that list_presets() returns.",
        ) from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) > MAX_BYTES:
            check_size(data.decode("latin-1"))
        raise NotJsonError(
            f"The file is not UTF-8 text: it has the byte {data[error.start]:#04x} at offset "
            f"{error.start}.",
            remedy="Save it as UTF-8.",
        ) from error
