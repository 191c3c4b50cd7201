"""Many pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image


def sheet(rows: Sequence[Sequence[Image.Image]], gap: int = 0) -> Image.Image:
    """Pictures of one size in rows, which may differ in length, on white.

    Args:
        gap: pixels between neighbours.
    """
    width, height = rows[0][0].size
    columns = max(map(len, rows))
    size = (columns * (width + gap) - gap, len(rows) * (height + gap) - gap)
    picture_sheet = Image.new("RGB", size, "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            picture_sheet.paste(picture, (x * (width + gap), y * (height + gap)))
    return picture_sheet
