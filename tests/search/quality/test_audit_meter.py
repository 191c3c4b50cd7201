"""Audit metrics against their definitions, written out slowly."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from search.metrics import FIDS
from search.model.images import Images
from search.quality.audit_meter import AuditMeter
from search.quality.features import FeatureNetwork
from search.quality.image_pairs import feature_distance, psnr, ssim
from search.quality.kid import kid, paired_kid
from search.quality.meter import QualityMeter, fid_between
from search.quality.scorers import Scorer
from search.quality.statistics import Statistics
from tests.search.quality.test_meter import Means, images, oracle_fid

NETWORK = FeatureNetwork("means", Means())
PIXELS = images(50, 0).pixels
REAL = Statistics.of(NETWORK.embed([PIXELS], "cpu"))
REFERENCE = images(24, 1)
SCORERS: Mapping[str, Scorer] = {"psnr": lambda shown, reference, _: psnr(shown, reference)}


def meter(
    objective: str = "fid_reference", real: Statistics | None = REAL, block: int = 8
) -> AuditMeter:
    metrics = () if objective in FIDS else (objective,)
    own = QualityMeter(NETWORK, real, REFERENCE, metrics=metrics, scorers=SCORERS)
    return AuditMeter(own, objective, block)


def changed(amount: int) -> Images:
    """The reference with noise of up to ``amount`` of 255."""
    generator = torch.Generator().manual_seed(5)
    noise = torch.randint(-amount, amount + 1, REFERENCE.pixels.shape, generator=generator)
    pixels = (REFERENCE.pixels.int() + noise).clamp(0, 255).to(torch.uint8)
    return Images(pixels, REFERENCE.latents)


def slow_kernel(x: Tensor, y: Tensor) -> float:
    return (float(x @ y) / len(x) + 1) ** 3


def slow_kid(first: Tensor, second: Tensor, *, paired: bool) -> float:
    def mean(a: Tensor, b: Tensor, skip: bool) -> float:
        values = [
            slow_kernel(x, y)
            for i, x in enumerate(a)
            for j, y in enumerate(b)
            if not (skip and i == j)
        ]
        return sum(values) / len(values)

    first, second = first.double(), second.double()
    cross = mean(first, second, paired)
    return mean(first, first, True) + mean(second, second, True) - 2 * cross


def test_kid_is_the_unbiased_kernel_distance() -> None:
    a, b = Means()(PIXELS), Means()(REFERENCE.pixels)
    assert kid(a, b) == pytest.approx(slow_kid(a, b, paired=False))
    near = Means()(changed(40).pixels)
    assert paired_kid(near, b) == pytest.approx(slow_kid(near, b, paired=True))
    assert paired_kid(b, b) == 0


def test_kid_of_two_draws_of_one_distribution_is_zero_on_average() -> None:
    generator = torch.Generator().manual_seed(0)
    values = [
        kid(torch.randn(12, 4, generator=generator), torch.randn(9, 4, generator=generator))
        for _ in range(400)
    ]
    spread = torch.tensor(values).std() / 20
    assert abs(sum(values) / len(values)) < 3 * spread


def test_fid_between_two_sets_is_the_definition() -> None:
    other = images(24, 2)
    found = fid_between(Means()(REFERENCE.pixels), Means()(other.pixels))
    assert found == pytest.approx(oracle_fid(REFERENCE.pixels, other.pixels), rel=1e-3, abs=1e-6)


def test_equal_images_are_equal_by_every_metric() -> None:
    audit = meter().audit(REFERENCE)
    assert audit.psnr == pytest.approx(58.92, abs=0.01)
    assert audit.ssim == pytest.approx(1)
    assert audit.perceptual == audit.kid_reference == 0
    assert audit.matched_fid == pytest.approx(0, abs=1e-6)


def test_every_metric_grows_worse_with_the_damage() -> None:
    little, much = (meter().audit(changed(amount)) for amount in (10, 80))
    assert little.psnr > much.psnr
    assert little.ssim > much.ssim
    assert little.perceptual < much.perceptual
    assert little.matched_fid is not None and much.matched_fid is not None
    assert little.matched_fid < much.matched_fid


def test_paired_metrics_by_hand() -> None:
    black = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    grey = torch.full_like(black, 51)
    assert psnr(grey, black).tolist() == pytest.approx([-10 * math.log10(0.2**2)] * 2, abs=1e-3)
    assert ssim(grey, black).tolist() == pytest.approx([1e-4 / (0.2**2 + 1e-4)] * 2, rel=1e-3)
    features = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    found = feature_distance(features, torch.tensor([[3.0, 0.0], [1.0, 0.0]]))
    assert found.tolist() == pytest.approx([0.0, 1.0])


def test_intervals_hold_the_value_and_shrink_with_more_images() -> None:
    widths = []
    for count in (20, 80):
        some = images(count, 3)
        wide = AuditMeter(QualityMeter(NETWORK, REAL, some), "fid_real", 8)
        found = wide.real_interval(some)
        assert found is not None
        assert found[0] < wide.quality(some).fid_real < found[1]
        assert found == wide.real_interval(some)
        widths.append(found[1] - found[0])
    assert widths[1] < widths[0]
    value = meter().quality(changed(40)).fid_reference
    low, high = meter().audit(changed(40)).reference_interval
    assert 0 <= low < value < high


@pytest.mark.parametrize("objective", ["fid_real", "fid_reference"])
def test_the_matched_fid_is_of_as_many_images_as_the_search_used(objective: str) -> None:
    other = changed(60)
    count = len(other.pixels)
    target = PIXELS if objective == "fid_real" else REFERENCE.pixels
    whole = meter(objective, block=count).audit(other)
    assert whole.matched_fid == pytest.approx(oracle_fid(target, other.pixels), rel=1e-3)
    assert whole.matched_interval is None
    part = meter(objective, block=10).audit(other)
    assert part.matched_fid is not None and part.matched_interval is not None
    low, high = part.matched_interval
    assert low < part.matched_fid < high
    assert meter(objective, block=count + 1).audit(other).matched_fid is None


@pytest.mark.parametrize("objective", ["psnr", "kid_reference", "feature_distance"])
def test_a_study_of_another_metric_has_its_interval_and_matched_value(objective: str) -> None:
    own = meter(objective)
    audit, quality = own.audit(changed(60)), own.quality(changed(60))
    value = quality.value(objective)
    assert audit.interval is not None and audit.matched_fid is not None and value is not None
    assert audit.interval[0] < value < audit.interval[1]
    assert meter().audit(changed(60)).interval is None
    if objective != "kid_reference":  # a mean over images: of a part it is the same on average
        assert audit.matched_fid == pytest.approx(value, rel=0.02)


def test_without_real_images() -> None:
    alone = meter(real=None)
    assert alone.real_interval(REFERENCE) is None
    assert alone.audit(REFERENCE).kid_real is None
