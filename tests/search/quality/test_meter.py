"""FIDs against a slow oracle, paired distance, and what the meter refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn

from search.errors import TrialError, UserError
from search.model.images import Images
from search.quality.features import FeatureNetwork
from search.quality.meter import QualityMeter
from search.quality.statistics import Statistics


class Means(nn.Module):
    """Features of the tests: mean and spread of the channels' halves; counts its images."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen += len(pixels)
        scaled = pixels.float() / 255
        return torch.cat([scaled.mean((2, 3)), scaled.std((2, 3))], 1)


def images(count: int, seed: int, shift: float = 0.0) -> Images:
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, 4, 8, 8, generator=generator) + shift
    pixels = torch.rand(count, 3, 16, 16, generator=generator) * torch.rand(
        count, 3, 1, 1, generator=generator
    )
    return Images(((pixels + shift).clamp(0, 1) * 255).to(torch.uint8), latents)


def oracle_fid(a: Tensor, b: Tensor) -> float:
    x, y = (Means()(t).double().numpy() for t in (a, b))
    root = scipy.linalg.sqrtm(np.cov(x.T) @ np.cov(y.T))
    mean = float(((x.mean(0) - y.mean(0)) ** 2).sum())
    return mean + float(np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root.real))


REAL_PIXELS = images(50, 0).pixels
NETWORK = FeatureNetwork("means", Means())
REAL = Statistics.of(NETWORK.embed([REAL_PIXELS], "cpu"))
REFERENCE = images(20, 1)


def test_fids_match_the_oracle() -> None:
    meter = QualityMeter(NETWORK, REAL, REFERENCE)
    other = images(20, 2, shift=0.1)
    quality = meter.quality(other)
    assert quality.fid_real == pytest.approx(
        oracle_fid(REAL_PIXELS, other.pixels), rel=1e-3, abs=1e-6
    )
    expected = oracle_fid(REFERENCE.pixels, other.pixels)
    assert quality.fid_reference == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert quality.images == 20
    assert meter.quality(other) == quality


def test_the_reference_is_at_distance_zero() -> None:
    quality = QualityMeter(NETWORK, REAL, REFERENCE).quality(REFERENCE)
    assert quality.distance == 0
    assert quality.fid_reference == pytest.approx(0, abs=1e-6)


def test_distance_of_unrelated_noise_is_two() -> None:
    meter = QualityMeter(NETWORK, None, REFERENCE)
    assert meter.distance(images(20, 9).latents, range(20)) == pytest.approx(2, rel=0.1)


def test_distance_pairs_by_index() -> None:
    meter = QualityMeter(NETWORK, None, REFERENCE)
    assert meter.distance(REFERENCE.latents[3:5], range(3, 5)) == 0
    assert meter.distance(REFERENCE.latents[3:5], range(2)) > 1


def test_each_image_is_embedded_once() -> None:
    network = Means()
    meter = QualityMeter(FeatureNetwork("means", network), REAL, REFERENCE)
    assert network.seen == 20
    meter.quality(REFERENCE)
    assert network.seen == 40


def test_other_counts_are_refused() -> None:
    meter = QualityMeter(NETWORK, REAL, REFERENCE)
    with pytest.raises(ValueError, match="are 19 images, and this meter compares 20"):
        meter.quality(images(19, 1))


def test_without_real_images() -> None:
    quality = QualityMeter(NETWORK, None, REFERENCE).quality(images(20, 3))
    assert math.isnan(quality.fid_real)
    assert quality.fid_reference > 0


def test_infinite_results_fail_the_trial() -> None:
    bad = Images(REFERENCE.pixels, REFERENCE.latents * math.inf)
    with pytest.raises(TrialError, match="not finite"):
        QualityMeter(NETWORK, REAL, REFERENCE).quality(bad)


def test_statistics_of_another_network_are_refused() -> None:
    with pytest.raises(UserError, match=r"3 features, but quality\.features=means gives 6"):
        QualityMeter(NETWORK, Statistics.of([torch.randn(9, 3)]), REFERENCE)


def test_the_bound_of_the_unpatched_images_is_their_own_fid() -> None:
    meter = QualityMeter(NETWORK, REAL, REFERENCE, metrics=("fid_real_bound",))
    found = meter.unpatched()
    assert found.metrics["fid_real_bound"] == pytest.approx(found.fid_real)


def test_the_paired_bound_lies_above_the_fid_and_grows_with_the_damage() -> None:
    meter = QualityMeter(NETWORK, REAL, REFERENCE, metrics=("fid_real_bound",))
    little, much = (meter.quality(damaged(shift)) for shift in (0.02, 0.2))
    assert little.fid_real < little.metrics["fid_real_bound"] < much.metrics["fid_real_bound"]


def damaged(shift: float) -> Images:
    return Images(
        ((REFERENCE.pixels / 255 + shift).clamp(0, 1) * 255).to(torch.uint8), REFERENCE.latents
    )
