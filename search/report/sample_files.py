"""Sample grids: the same prompts and noise under each schedule, one PNG each."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch
from PIL import Image

from dato.files import replace_bytes
from search.model.images import Images
from search.records.folder import StudyFolder

COLUMNS, GAP = 6, 4
SHOWN = 2 * COLUMNS
"""Images in a grid."""
MIN_CELL = 128
"""Smaller images are enlarged by a whole factor, so that a person can judge them."""


def save_samples(samples: Mapping[str, Images], folder: StudyFolder) -> None:
    """Write ``<name>.png`` for each entry, its first images in a grid, and remove all others: grids
    of another audit show other prompts."""
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
    count, _, height, width = pixels.shape
    factor = max(1, -(-MIN_CELL // max(height, width)))
    height, width = height * factor, width * factor
    columns = min(columns, count)
    rows = -(-count // columns)
    size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP)
    sheet = Image.new("RGB", size, "white")
    for index, picture in enumerate(pixels.cpu()):
        cell = Image.fromarray(picture.permute(1, 2, 0).numpy()).resize((width, height), 0)
        sheet.paste(cell, (index % columns * (width + GAP), index // columns * (height + GAP)))
    return sheet
