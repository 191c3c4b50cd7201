"""Scorers of single images: the pair metrics, CLIP, LPIPS, and those of installed packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import cast

from torch import Tensor

from search.errors import UserError
from search.metrics import FID_REAL_BOUND, METRICS, SCORERS
from search.quality.image_pairs import psnr, ssim
from search.settings import QualitySettings

Scorer = Callable[[Tensor, Tensor, Sequence[str]], Tensor]
"""A function of the images, the unpatched model's images (both (n, 3, height, width), uint8, on the
study's device) and their n prompts. It returns n numbers."""

OF_SETS = frozenset(
    {"fid_reference", "fid_real", FID_REAL_BOUND, "kid_reference", "kid_real", "feature_distance"}
)
"""Metrics that are computed from the feature network's features."""


def load_scorers(
    names: Iterable[str], settings: QualitySettings, device: str, prompts: Sequence[str] = ()
) -> Mapping[str, Scorer]:
    """Scorers by metric name, their networks on ``device``.

    An installed package offers one under the entry points :data:`~search.metrics.SCORERS`: a
    function that takes the device's name and returns a :data:`Scorer`, of which more is better.

    Args:
        prompts: all that will be scored, to say early that one of them cannot be.

    Raises:
        UserError: the packages or weights of one are missing, or a prompt cannot be judged.
    """
    return {
        name: _load(name, settings, device, prompts)
        for name in dict.fromkeys(names)
        if name not in OF_SETS
    }


def _load(name: str, settings: QualitySettings, device: str, prompts: Sequence[str]) -> Scorer:
    if name == "clip_score":
        from search.quality.clip import ClipScorer

        return ClipScorer.load(settings.clip_path, device)
    if name == "lpips":
        from search.quality.lpips import load_lpips

        return load_lpips(settings.lpips_path, device)
    if name == "caption_accuracy":
        return _caption_judge(prompts)
    if name in METRICS:
        pairs = {"psnr": psnr, "ssim": ssim}[name]
        return lambda images, reference, _: pairs(images, reference)
    (entry,) = entry_points(group=SCORERS, name=name)
    return cast(Scorer, entry.load()(device))


def _caption_judge(prompts: Sequence[str]) -> Scorer:
    """The embedded judge; every one of ``prompts`` must be a caption of its scenes."""
    from search.pocket import load_features
    from search.pocket.captions import CaptionError, parse_caption
    from search.pocket.judge import correct

    for prompt in prompts:
        try:
            parse_caption(prompt)
        except CaptionError as error:
            raise UserError(
                f"Cannot measure caption_accuracy: {error}, or leave caption_accuracy out."
            ) from error
    network = load_features()
    return lambda images, _, captions: correct(images.cpu(), captions, network)
