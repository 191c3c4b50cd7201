"""Grids of pictures."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

GRID = (8, 12)  # rows, columns at most


def draw_grid(images: Tensor, path: Path) -> None:
    """The first of images: uint8 (n, 3, size, size), side by side at 128 pixels, as a PNG."""
    rows, columns = GRID
    images = images[: rows * columns]
    rows = len(images) // columns
    size = images.shape[-1]
    tiles = images[: rows * columns].reshape(rows, columns, 3, size, size)
    picture = tiles.permute(0, 3, 1, 4, 2).reshape(rows * size, columns * size, 3)
    scale = 128 // size
    image = Image.fromarray(picture.to(torch.uint8).contiguous().numpy())
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(path)
