"""Sample grids: the same prompts and noise under each schedule, one PNG each."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch
from PIL import Image

from dato.files import replace_bytes
from search.model.images import Images
from search.records.folder import StudyFolder
from search.report.sheet import sheet

COLUMNS, GAP = 6, 4
SHOWN = 2 * COLUMNS
"""Images in a grid."""
MIN_CELL = 128
"""Smaller images are enlarged by a whole factor, so that a person can see them."""


def save_samples(samples: Mapping[str, Images], folder: StudyFolder) -> None:
    """Write ``<name>.png`` for each entry, a grid of its first images, and remove all other grids,
    because those of another audit show other prompts."""
    folder.samples.mkdir(parents=True, exist_ok=True)
    for stale in folder.samples.glob("*.png"):
        if stale.stem not in samples:
            stale.unlink(missing_ok=True)
    for name, images in samples.items():
        buffer = io.BytesIO()
        grid(images.pixels[:SHOWN]).save(buffer, "PNG", optimize=True)
        replace_bytes(folder.samples / f"{name}.png", buffer.getvalue())


def grid(pixels: torch.Tensor, columns: int = COLUMNS) -> Image.Image:
    """One image of many. pixels: (images, 3, height, width), uint8."""
    _, _, height, width = pixels.shape
    factor = max(1, -(-MIN_CELL // max(height, width)))
    cells = [
        Image.fromarray(picture.permute(1, 2, 0).numpy()).resize(
            (width * factor, height * factor), Image.Resampling.NEAREST
        )
        for picture in pixels.cpu()
    ]
    return sheet([cells[start : start + columns] for start in range(0, len(cells), columns)], GAP)
