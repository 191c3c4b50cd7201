"""Generated images, whole and in parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Images:
    """Generated images, on the CPU or on the device that made them (:meth:`Generator.generate`).

    Args:
        pixels: (images, 3, height, width), uint8.
        latents: (images, channels, latent height, latent width), float32.
        seconds: wall-clock seconds spent inside the model.
    """

    pixels: Tensor
    latents: Tensor
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.pixels)

    def cpu(self) -> Images:
        """The same images in main memory."""
        return Images(self.pixels.cpu(), self.latents.cpu(), self.seconds)


def join(parts: Sequence[Images]) -> Images:
    """Images of consecutive index ranges as one."""
    return Images(
        torch.cat([part.pixels for part in parts]),
        torch.cat([part.latents for part in parts]),
        sum(part.seconds for part in parts),
    )


def first(images: Images, count: int) -> Images:
    """The first ``count`` of them."""
    return Images(images.pixels[:count], images.latents[:count], images.seconds)


def pick(chunks: Mapping[int, Images], indices: Sequence[int], batch_size: int) -> Images:
    """The images ``indices``, in that order, from whole chunks by chunk number."""
    order = sorted(chunks)
    whole = join([chunks[chunk] for chunk in order])
    start: dict[int, int] = {}
    for chunk in order:
        start[chunk] = sum(len(chunks[other]) for other in order if other < chunk)
    rows = torch.tensor([start[i // batch_size] + i % batch_size for i in indices])
    return Images(whole.pixels[rows], whole.latents[rows], whole.seconds)
