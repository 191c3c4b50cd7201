"""Looks at where a command will write, before it makes what takes a while."""

from __future__ import annotations

import tempfile
from pathlib import Path

from search.errors import UserError


def check_file_place(option: str, path: Path) -> None:
    """Raise UserError unless a file can be written at ``path``, where one may be already.

    Args:
        option: what named it, such as ``"--out"``.
    """
    if path.is_dir():
        raise UserError(f"{option}={str(path)!r} is a folder. Give the name of a file.")
    _check(option, path, path.absolute().parent)


def check_folder_place(option: str, path: Path) -> None:
    """Raise UserError unless ``path`` is a folder that can be written, or can be made."""
    _check(option, path, path.absolute())


def _check(option: str, path: Path, folder: Path) -> None:
    try:
        above = next(each for each in (folder, *folder.parents) if each.exists())
        if not above.is_dir():
            place = (
                "is a file" if above == path.absolute() else f"leads through {str(above)!r}, a file"
            )
            raise UserError(f"{option}={str(path)!r} {place}. Give a folder, or another place.")
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise UserError(
            f"Cannot write {option}={str(path)!r}: {error.strerror}. Choose another place."
        ) from error
