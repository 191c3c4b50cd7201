"""The real images of a study as files: which are taken, and whether each can be read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from search.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

SHOWN = 5
"""Broken files that a message names."""

TAIL = 4096
"""Bytes at the end of a file in which its format's end mark is looked for."""

_ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}


def image_files(folder: Path, source: str, count: int) -> list[Path]:
    """The first ``count`` image files below a folder by name, without hidden ones.

    Raises:
        UserError: there is no such folder, or it holds too few.
    """
    if not folder.is_dir():
        raise UserError(
            f"quality.real={source!r} is no folder. Give a folder of images, an .npz file of "
            "statistics, or none."
        )
    files = sorted(path for path in folder.rglob("*") if _is_image(path.relative_to(folder)))
    if len(files) < count:
        raise UserError(
            f"quality.real={source!r} holds {len(files)} images, but {count} are needed. "
            "Give a larger folder, or lower quality.real_images."
        )
    return files[:count]


def _is_image(path: Path) -> bool:
    """Whether a name is an image's. Systems put files such as ``._x.png`` beside ``x.png``."""
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def check_images(files: Sequence[Path]) -> None:
    """Look at the header and the end of every file.

    Raises:
        UserError: some are no images, or are cut; with their names.
    """
    broken = [(path, reason) for path in files if (reason := _broken(path))]
    if broken:
        raise UserError(
            f"quality.real holds {len(broken)} image file(s) that cannot be read: "
            f"{'; '.join(_named(broken))}. Remove or replace them."
        )


def _named(broken: Sequence[tuple[Path, str]]) -> Iterator[str]:
    for path, reason in broken[:SHOWN]:
        yield f"{str(path)!r} ({reason})"
    if len(broken) > SHOWN:
        yield f"and {len(broken) - SHOWN} more"


def _broken(path: Path) -> str:
    """Why a file cannot be read; ``""`` if it can. Only a file whose end mark is missing is read as
    a whole, because some programs write none."""
    try:
        with opened(path) as image:
            if not _has_end(path, image.format or ""):
                image.load()
    except UserError as error:
        return str(error.__cause__).splitlines()[0]
    return ""


def _has_end(path: Path, kind: str) -> bool:
    """Whether a file has the end mark of its format, or the length that its head states."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if kind == "WEBP":
            return size >= int.from_bytes(file.read(8)[4:], "little") + 8
        file.seek(max(0, size - TAIL))
        return _ENDS.get(kind, b"") in file.read()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """An image whose pixels may be read inside the block.

    Raises:
        UserError: the file is no image, or is cut.
    """
    try:
        with Image.open(path) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"Cannot read the real image {str(path)!r} ({error}). Remove or replace it."
        ) from error
