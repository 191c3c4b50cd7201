"""The real images that generated ones are compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def real_images(source: str, count: int, seed: int, size: tuple[int, int]) -> Tensor:
    """Real images: (count, 3, height, width), uint8.

    Args:
        source: ``"pocket"`` renders scenes; anything else is a folder of image files, taken in
            the order of their names.
        count: how many.
        seed: seed of the scenes; a folder ignores it.
        size: height and width; a folder's images are cropped to the centre and resized.

    Raises:
        UserError: the folder is missing or holds too few images.
    """
    if source == "pocket":
        from search.pocket.captions import sample_scenes
        from search.pocket.render import render

        return torch.as_tensor(render(sample_scenes(count, seed)))
    folder = Path(source).expanduser()
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(files) < count:
        raise UserError(
            f"quality.real={source!r} holds {len(files)} images and {count} are needed. "
            "Give a larger folder, or lower quality.real_images."
        )
    return torch.stack([_load(path, size) for path in files[:count]])


def _load(path: Path, size: tuple[int, int]) -> Tensor:
    """One file: (3, height, width), uint8."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        fitted = ImageOps.fit(image.convert("RGB"), (size[1], size[0]), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(fitted)).permute(2, 0, 1).contiguous()
