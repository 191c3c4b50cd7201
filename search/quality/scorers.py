"""Scorers of single images: the pair metrics, CLIP, LPIPS, and those of installed packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import cast

from torch import Tensor

from search.metrics import METRICS, SCORERS
from search.quality.image_pairs import psnr, ssim
from search.settings import QualitySettings

Scorer = Callable[[Tensor, Tensor, Sequence[str]], Tensor]
"""A function of the images, the unpatched model's images (both (n, 3, height, width), uint8, on the
study's device) and their n prompts. It returns n numbers."""

OF_SETS = frozenset(
    {"fid_reference", "fid_real", "kid_reference", "kid_real", "feature_distance"}
)  # fmt: skip
"""Metrics that are computed from the feature network's features."""


def load_scorers(
    names: Iterable[str], settings: QualitySettings, device: str
) -> Mapping[str, Scorer]:
    """Scorers by metric name, their networks on ``device``.

    An installed package offers one under the entry points :data:`~search.metrics.SCORERS`: a
    function that takes the device's name and returns a :data:`Scorer`, of which more is better.

    Raises:
        UserError: the packages or weights of one are missing.
    """
    return {
        name: _load(name, settings, device) for name in dict.fromkeys(names) if name not in OF_SETS
    }


def _load(name: str, settings: QualitySettings, device: str) -> Scorer:
    if name == "clip_score":
        from search.quality.clip import ClipScorer

        return ClipScorer.load(settings.clip_path, device)
    if name == "lpips":
        from search.quality.lpips import load_lpips

        return load_lpips(settings.lpips_path, device)
    if name in METRICS:
        pairs = {"psnr": psnr, "ssim": ssim}[name]
        return lambda images, reference, _: pairs(images, reference)
    (found,) = entry_points(group=SCORERS, name=name)
    return cast(Scorer, found.load()(device))
