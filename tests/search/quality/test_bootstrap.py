"""Intervals from resampling: held against the distributions that they speak of."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from search.quality.bootstrap import Fid, extrapolated, interval, matched, upper_bound
from search.quality.frechet import Moments, frechet


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def mean_of(data: Tensor) -> Fid:
    return lambda draw: 10 + float(data[draw].mean())


def test_an_interval_is_the_resampled_spread_around_the_value() -> None:
    data = normal(0, 400)
    low, high = interval(mean_of(data), len(data))
    assert high - low == pytest.approx(2 * 1.645 * float(data.std()) / 20, rel=0.2)
    assert low < 10 + float(data.mean()) < high


def test_a_matched_interval_holds_what_further_images_give_nine_times_in_ten() -> None:
    inside = 0
    for seed in range(200):
        data = normal(seed, 64 + 16)
        found = matched(mean_of(data), 64, 16)
        assert found is not None and found[1] is not None
        low, high = found[1]
        inside += low <= 10 + float(data[64:].mean()) <= high
    assert 0.85 <= inside / 200 <= 0.95


def test_a_matched_value_is_the_mean_over_sets_of_that_many_images() -> None:
    data = normal(1, 64)

    def spread(draw: Tensor) -> float:
        return float(data[draw].var(correction=0))

    found = matched(spread, 64, 8)
    assert found is not None
    assert found[0] == pytest.approx(float(data.var()) * 7 / 8, rel=0.1)


def test_few_images_give_no_interval_and_fewer_nothing() -> None:
    def count(draw: Tensor) -> float:
        return float(len(draw))

    assert matched(count, 15, 8) == (8.0, None)
    assert matched(count, 8, 8) == (8.0, None)
    assert matched(count, 7, 8) is None


def test_the_bound_of_a_paired_difference_holds_nineteen_times_in_twenty() -> None:
    bounds = [upper_bound(mean_of(normal(seed, 64)), 64) for seed in range(200)]
    held = sum(bound >= 10 for bound in bounds)
    assert 0.9 <= held / 200 <= 0.99


def test_images_that_spread_less_do_not_pass_for_better_ones_because_they_are_few() -> None:
    """All are N(0, 1) in 24 dimensions, but for the images in question: 0.85 times as wide."""
    size, seeds, real = 24, 8, Moments(torch.zeros(24).double(), torch.eye(24).double())
    whole, halved, bounds = [], [], []
    for seed in range(seeds):
        reference = normal(seed, size, size)

        def difference(draw: Tensor, theirs: Tensor = reference) -> float:
            return frechet(real, 0.85 * theirs[draw]) - frechet(real, theirs[draw])

        whole.append(difference(torch.arange(size)))
        halved.append(extrapolated(difference, torch.arange(size)))
        bounds.append(upper_bound(difference, size))
    truth = size * (1 - 0.85) ** 2
    assert sum(whole) / seeds < 0 < truth
    assert abs(sum(halved) / seeds - truth) < abs(sum(whole) / seeds - truth) / 2
    assert all(bound > 0 for bound in bounds)


def test_what_both_sets_share_does_not_widen_the_bound_of_their_difference() -> None:
    shared, own = normal(0, 64), normal(1, 64) / 100
    first, second = mean_of(shared + own), mean_of(shared)
    bound = upper_bound(lambda draw: first(draw) - second(draw), 64)
    assert bound < 0.05 * (interval(first, 64)[1] - first(torch.arange(64)))
