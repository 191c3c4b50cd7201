"""Images with their features, and how near some are to others of the same noise."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from search.pocket import load_features
from search.quality.frechet import frechet_between
from search.quality.image_pairs import psnr


@dataclass(frozen=True)
class Near:
    """How near images are to others: their FID, and their mean PSNR in dB."""

    fid: float
    psnr: float


@dataclass(frozen=True, eq=False)
class Made:
    """Images, uint8 (n, 3, height, width), and their features, (n, features)."""

    pixels: Tensor
    features: Tensor

    @classmethod
    def of(cls, pixels: Tensor) -> Made:
        """Images with the embedded models' features."""
        return cls(pixels, load_features()(pixels))

    def near(self, reference: Made) -> Near:
        """How near these are to the reference's images of the same prompts and noise."""
        decibels = float(psnr(self.pixels, reference.pixels).mean())
        return Near(frechet_between(reference.features, self.features), decibels)
