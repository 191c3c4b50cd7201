"""Sample grids as data URIs: small files as they are, large ones scaled down."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.names import sample_path
from search.records.reading import LARGE, check_file
from search.records.result import StudyResult

INLINE_BYTES = 600_000
"""A larger file is scaled to ``MAX_WIDTH`` and stored as WebP, to keep the page light."""
MAX_WIDTH = 1280


@dataclass(frozen=True)
class Grid:
    """An image for the page: its data URI, its size in pixels, and whether it lost detail."""

    uri: str
    width: int
    height: int
    lossy: bool = False


@dataclass(frozen=True)
class Samples:
    """The unpatched grid, the grids by member name, and the members that have none."""

    unpatched: Grid | None
    members: Mapping[str, Grid]
    missing: tuple[str, ...]


def load_samples(result: StudyResult, folder: StudyFolder) -> Samples:
    """The grids that can be read. A grid that cannot be read counts as missing."""
    grids = {member.name: sample_grid(folder, member.name) for member in result.front}
    return Samples(
        unpatched=sample_grid(folder, "unpatched"),
        members={name: grid for name, grid in grids.items() if grid is not None},
        missing=tuple(name for name, grid in grids.items() if grid is None),
    )


def sample_grid(folder: StudyFolder, name: str) -> Grid | None:
    """The grid of ``name``, ready for the page."""
    path = sample_path(folder, name)
    if path is None:
        return None
    try:
        check_file(path, "", LARGE)
        data, mime = path.read_bytes(), "image/png"
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if image.format != "PNG" or len(data) > INLINE_BYTES:
                image.thumbnail((MAX_WIDTH, 8 * MAX_WIDTH))
                packed = io.BytesIO()
                image.convert("RGB").save(packed, "WEBP", quality=88)
                data, mime = packed.getvalue(), "image/webp"
            width, height = image.size
    except (OSError, ValueError, UserError, Image.DecompressionBombError):
        return None
    uri = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    return Grid(uri, width, height, lossy=mime != "image/png")
