"""Distances of image pairs: a generated image and the unpatched model's of the same noise."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

ROUNDING = 1 / 12 / 255**2
"""Mean squared error of rounding to 8 bits: images that are equal may be that far apart."""


def psnr(images: Tensor, reference: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of each pair: (n,), float64.

    Written out because torchmetrics' is infinite for equal images. Here these have 59 dB, the most
    that 8 bits can show. Both arguments: (n, 3, height, width), uint8.
    """
    error = (images.double() - reference.double()).div(255).square().mean((1, 2, 3))
    return -10 * (error + ROUNDING).log10()


def ssim(images: Tensor, reference: Tensor) -> Tensor:
    """Structural similarity of each pair, at most 1. As :func:`psnr`."""
    similarity = structural_similarity_index_measure(
        images.float() / 255, reference.float() / 255, data_range=1.0, reduction="none"
    )
    assert isinstance(similarity, Tensor)
    return similarity.double()


def feature_distance(features: Tensor, reference: Tensor) -> Tensor:
    """Half the squared distance of each pair's unit-length features: 0 equal, 1 orthogonal.

    In the spirit of LPIPS (Zhang et al. 2018), with the pooled features of the study's own network.
    Both (n, features); (n,), float64.
    """
    pairs = F.normalize(features.double(), dim=1) - F.normalize(reference.double(), dim=1)
    return pairs.square().sum(1) / 2
