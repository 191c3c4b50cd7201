"""The Frechet distance against scipy's matrix root, torchmetrics and recorded features."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from search.errors import TrialError
from search.pocket.captions import sample_scenes
from search.pocket.render import render
from search.quality.features import load_feature_network
from search.quality.frechet import Moments, frechet, frechet_between

SHAPES = st.tuples(st.integers(2, 40), st.integers(2, 40), st.integers(1, 12))


def draw(rows: int, features: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(features, features, generator=generator)
    return torch.randn(rows, features, generator=generator) @ mixed + seed % 3


def oracle(a: Tensor, b: Tensor, root: Callable[[Any], float]) -> float:
    """The formula written out; ``root`` gives the trace of a matrix root."""
    x, y = a.double().numpy(), b.double().numpy()
    one, two = (np.atleast_2d(np.cov(each.T)) for each in (x, y))
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(one + two)) - 2 * root(one @ two)


def by_eigenvalues(matrix: Any) -> float:
    """torch-fidelity's way."""
    return float(np.sqrt(np.linalg.eigvals(matrix).astype(complex)).real.sum())


def by_scipy(matrix: Any) -> float:
    """pytorch-fid's way."""
    return float(scipy.linalg.sqrtm(matrix).real.trace())


class Identity(nn.Module):
    """Stands where the metric expects a network: what it is given already is features."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def by_torchmetrics(a: Tensor, b: Tensor) -> float:
    metric = FrechetInceptionDistance(Identity(a.shape[1]))
    metric.update(a, real=True)
    metric.update(b, real=False)
    return float(metric.compute())


@given(SHAPES, st.integers(0, 99))
def test_equals_the_formula_written_out(shape: tuple[int, int, int], seed: int) -> None:
    rows, others, features = shape
    a, b = draw(rows, features, seed), draw(others, features, seed + 100)
    scale = 1 + float(a.var() + b.var()) * features
    assert frechet(Moments.of([a]), b) == pytest.approx(
        oracle(a, b, by_eigenvalues), abs=2e-6 * scale
    )


@given(SHAPES, st.integers(0, 99))
def test_a_set_is_at_no_distance_from_itself(shape: tuple[int, int, int], seed: int) -> None:
    a = draw(shape[0], shape[2], seed)
    assert frechet(Moments.of([a]), a) == pytest.approx(0, abs=1e-6 * (1 + float(a.square().sum())))


@given(SHAPES, st.integers(1, 39), st.integers(0, 99))
def test_moments_do_not_depend_on_the_batches(
    shape: tuple[int, int, int], cut: int, seed: int
) -> None:
    a = draw(shape[0], shape[2], seed)
    whole, parts = Moments.of([a]), Moments.of(a.split(cut))
    assert torch.allclose(whole.mean, parts.mean)
    assert torch.allclose(whole.covariance, parts.covariance, atol=1e-9)
    if shape[2] > 1:
        assert torch.allclose(whole.covariance, torch.cov(a.double().T), atol=1e-4)


@pytest.mark.parametrize("count", [24, 96])
def test_equals_torchmetrics_on_features_of_scenes(count: int) -> None:
    """48 features: fewer images than features, and more."""
    network = load_feature_network("pocket")
    a, b = (
        torch.cat(list(network.embed([torch.as_tensor(render(sample_scenes(count, seed)))], "cpu")))
        for seed in (1, 2)
    )
    expected = by_torchmetrics(a, b)
    assert expected > 1
    assert frechet(Moments.of([a]), b) == pytest.approx(expected, rel=1e-4)
    assert frechet_between(a, b) == pytest.approx(expected, rel=1e-4)
    if count > a.shape[1]:  # scipy's root of a singular matrix is not exact
        assert frechet(Moments.of([a]), b) == pytest.approx(oracle(a, b, by_scipy), rel=1e-4)


def test_one_row_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="are 1 rows, and a covariance takes at least two"):
        Moments.of([torch.ones(1, 3)])


def test_equals_torch_fidelity_itself() -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_fid", reason="needs the extra fid")
    network = load_feature_network("pocket")
    sets = [torch.as_tensor(render(sample_scenes(96, seed))) for seed in (1, 2)]
    a, b = (torch.cat(list(network.embed([pixels], "cpu"))) for pixels in sets)
    theirs = fidelity.fid_statistics_to_metric(
        *(fidelity.fid_features_to_statistics(each) for each in (a, b)), False
    )
    expected = theirs["frechet_inception_distance"]
    assert frechet(Moments.of([a]), b) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e7, 1e9])
def test_a_common_offset_costs_moments_no_precision(offset: float) -> None:
    rows = torch.randn(500, 6, generator=torch.Generator().manual_seed(0)).double()
    batches = [*(rows + offset).split(64), torch.empty(0, 6).double()]
    found = Moments.of(batches).covariance
    assert torch.allclose(found, rows.T.cov(), rtol=1e-5, atol=1e-6)


def test_a_distance_from_one_row_is_refused() -> None:
    known, row = Moments.of([torch.randn(10, 3)]), torch.randn(1, 3)
    with pytest.raises(ValueError, match="at least two"):
        frechet(known, row)
    with pytest.raises(ValueError, match="at least two"):
        frechet_between(row, row)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_features_that_are_not_finite_fail_the_trial_with_their_reason(bad: float) -> None:
    known, rows = Moments.of([torch.randn(10, 3)]), torch.randn(10, 3)
    rows[4, 1] = bad
    with pytest.raises(TrialError, match="features of 1 of 10 images are not finite"):
        frechet(known, rows)
    with pytest.raises(TrialError, match="not finite"):
        Moments.of([rows])
