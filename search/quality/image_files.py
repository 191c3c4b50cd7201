"""The real images of a study as files: which are taken, and whether each can be read."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from search.errors import UserError
from search.quality.picture import problem_of
from search.quality.statistics_file import REMEDY, SUFFIX

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Those that pytorch-fid reads, in any case of letters."""

SHOWN = 5
"""Broken files that a message names."""

TAIL = 4096
"""Bytes at the end of a file in which its format's end mark is looked for."""

_ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
_WHOLE = ("BMP", "TIFF", "PPM")
"""Formats without an end mark, which are always read as a whole."""


def real_path(source: str) -> Path:
    """The file or folder that ``quality.real`` names."""
    return Path(source).expanduser()


def holds_statistics(path: Path) -> bool:
    """Whether a path is that of a file of statistics, not of a folder of images."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def image_files(folder: Path, source: str, count: int) -> list[Path]:
    """The first ``count`` image files below a folder by name, without hidden ones. Linked folders
    are entered.

    Raises:
        UserError: there is no such folder, or it holds too few.
    """
    if folder.is_file():
        raise UserError(
            f"quality.real={source!r} is a file, but neither a folder of images nor an .npz file. "
            f"{REMEDY}"
        )
    if not folder.is_dir():
        raise UserError(
            f"quality.real={source!r} is no folder. Give a folder of images, an .npz file of "
            "statistics, or none."
        )
    files = sorted(path for path in _below(folder) if _is_image(path.relative_to(folder)))
    if len(files) < count:
        raise UserError(
            f"quality.real={source!r} holds {len(files)} images ({', '.join(SUFFIXES)}), but "
            f"{count} are needed. Give a larger folder, or lower quality.real_images."
        )
    return files[:count]


def _below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, also through links; a folder that is reached twice on one way
    down is not entered again."""
    for here, inner, names in os.walk(folder, followlinks=True):
        above = {os.path.realpath(each) for each in (Path(here), *Path(here).parents)}
        inner[:] = [name for name in inner if os.path.realpath(Path(here, name)) not in above]
        yield from (Path(here, name) for name in names)


def _is_image(path: Path) -> bool:
    """Whether a name is an image's. Systems put files such as ``._x.png`` beside ``x.png``."""
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def content_of(files: Sequence[Path]) -> str:
    """A digest of the content of files in their order. Reads all of them."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def check_images(files: Sequence[Path]) -> None:
    """Look at the header and the end of every file, and at the pixels of those that may be
    transparent.

    Raises:
        UserError: some are no images, are cut, or hold what would not be read as it looks; with
            their names.
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
    if kind in _WHOLE:
        return False
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
        UserError: the file is no image, is cut, or holds what would not be read as it looks.
    """
    try:
        with Image.open(path) as image:
            if problem := problem_of(image):
                raise ValueError(problem)
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"Cannot read the real image {str(path)!r} ({error}). Remove or replace it."
        ) from error
