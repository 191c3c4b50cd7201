"""Draws scenes: flat shapes with anti-aliased edges."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from search.pocket.captions import IMAGE_SIZE, SHAPES, Scene

RGB: dict[str, tuple[int, int, int]] = {
    "red": (225, 30, 40),
    "yellow": (250, 225, 30),
    "green": (30, 165, 60),
    "cyan": (60, 215, 235),
    "blue": (35, 70, 225),
    "purple": (165, 50, 200),
    "white": (245, 245, 245),
    "black": (15, 15, 15),
    "gray": (128, 128, 128),
    "brown": (115, 70, 35),
}
_CHUNK = 256  # scenes drawn at once: bounds the memory at about 20 MB


def _circle(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    return torch.hypot(x, y) - radius


def _box(x: Tensor, y: Tensor, half_width: Tensor, half_height: Tensor) -> Tensor:
    return torch.maximum(x.abs() - half_width, y.abs() - half_height)


def _square(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    return _box(x, y, 0.86 * radius, 0.86 * radius)


def _triangle(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    # Equilateral, point up, lowered a little so that it fills its box like the other shapes.
    size = 1.15 * radius
    y = y - 0.2 * radius
    slanted = 0.8660254 * x.abs() - 0.5 * y
    return torch.maximum(slanted, y) - 0.5 * size


def _ring(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    return (torch.hypot(x, y) - 0.75 * radius).abs() - 0.25 * radius


def _cross(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    arm = 0.33 * radius
    return torch.minimum(_box(x, y, arm, radius), _box(x, y, radius, arm))


# Signed distance to the outline in pixels, negative inside; arguments are relative to the centre.
_DISTANCE: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "ring": _ring,
    "cross": _cross,
}


def render(scenes: Sequence[Scene]) -> Tensor:
    """Draw scenes: uint8 (n, 3, 64, 64), RGB."""
    if not scenes:
        return torch.empty(0, 3, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    chunks = [scenes[start : start + _CHUNK] for start in range(0, len(scenes), _CHUNK)]
    return torch.cat([_render_chunk(chunk) for chunk in chunks])


def _render_chunk(scenes: Sequence[Scene]) -> Tensor:
    backgrounds = torch.tensor([RGB[scene.spec.background] for scene in scenes]).float()
    image = backgrounds[:, :, None, None].repeat(1, 1, IMAGE_SIZE, IMAGE_SIZE)
    for slot in range(2):
        for shape in SHAPES:
            rows = [
                row
                for row, scene in enumerate(scenes)
                if slot < len(scene.placements) and scene.spec.things[slot].shape == shape
            ]
            if rows:
                image[rows] = _paint(image[rows], [scenes[row] for row in rows], slot, shape)
    return image.round().to(torch.uint8)


def _paint(image: Tensor, scenes: Sequence[Scene], slot: int, shape: str) -> Tensor:
    """Blend the object `slot` of each scene, all of one shape, over image: (n, 3, 64, 64)."""
    centres = torch.tensor(
        [[scene.placements[slot].x, scene.placements[slot].y] for scene in scenes]
    )
    radius = torch.tensor([scene.placements[slot].radius for scene in scenes])[:, None, None]
    pixels = torch.arange(IMAGE_SIZE) + 0.5
    x = pixels[None, None, :] - centres[:, 0, None, None]
    y = pixels[None, :, None] - centres[:, 1, None, None]
    # The share of a pixel inside an outline at distance d from its middle is about 0.5 - d.
    coverage = (0.5 - _DISTANCE[shape](x, y, radius)).clamp(0.0, 1.0)[:, None]
    colour = torch.tensor([RGB[scene.spec.things[slot].colour] for scene in scenes]).float()
    return image + coverage * (colour[:, :, None, None] - image)
