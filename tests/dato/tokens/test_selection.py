"""Fast token selection is the slow obvious one, on any grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from dato.schedule import Tokens
from dato.tokens import matching
from dato.tokens import selection as prune
from dato.tokens.selection import Plan, Selection
from tests.dato.tiny import random
from tests.oracles import pruning as oracle
from tests.strategies import tokens

sides = st.integers(1, 9)
grids = st.tuples(sides, sides)
seeds = st.integers(0, 10**6)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Random tokens of two images, their dynamics (or none yet) and settings."""
    grid, seed, settings = draw(grids), draw(seeds), draw(tokens())
    count = grid[0] * grid[1]
    dynamics = random(2, count, seed=seed + 1).abs() if draw(st.booleans()) else None
    score = prune.scores(dynamics, random(count, seed=seed + 2), settings)
    features = random(2, count, 6, seed=seed)
    return {
        "tokens": features,
        "score": score,
        "dynamics": dynamics,
        "grid": grid,
        "settings": settings,
    }


@given(cases(), st.floats(0, 1))
def test_selection_equals_the_oracle(case: dict[str, Any], share: float) -> None:
    ratio = share * case["settings"].max_ratio
    selection = prune.select(**case)
    plan = selection.plan(prune.pruned_count(case["grid"], case["settings"].patch, ratio))
    for image, features in enumerate(case["tokens"].tolist()):
        dynamics = None if case["dynamics"] is None else case["dynamics"][image].tolist()
        scores = case["score"][image % len(case["score"])].tolist()
        expected = oracle.choose(features, scores, dynamics, case["grid"], case["settings"], ratio)
        keep = plan.keep[image].tolist()
        assert selection.base[image].tolist() == expected.base
        assert set(keep) == expected.kept
        assert [keep[place] for place in plan.source[image].tolist()] == expected.source


@given(cases(), st.floats(0, 1))
def test_a_plan_keeps_bases_and_gives_every_token_back(case: dict[str, Any], share: float) -> None:
    selection = prune.select(**case)
    ratio = share * case["settings"].max_ratio
    pruned = prune.pruned_count(case["grid"], case["settings"].patch, ratio)
    plan = selection.plan(pruned)
    assert plan.keep.shape[1] == case["tokens"].shape[1] - pruned
    recovered = plan.recover(plan.prune(case["tokens"]))
    kept = plan.keep[..., None].expand(-1, -1, 6)
    assert recovered.shape == case["tokens"].shape
    assert torch.equal(recovered.gather(1, kept), case["tokens"].gather(1, kept))
    for base, keep in zip(selection.base.tolist(), plan.keep.tolist(), strict=True):
        assert set(base) <= set(keep)
        assert len(set(keep)) == len(keep)


@given(grids, st.floats(0, 1))
def test_counts_depend_on_shapes_alone(grid: tuple[int, int], share: float) -> None:
    count, ratio = grid[0] * grid[1], share * Tokens().max_ratio
    selection = prune.select(random(1, count, 3), random(1, count), None, grid, Tokens())
    pruned = prune.pruned_count(grid, (2, 2), ratio)
    assert pruned == min(math.floor(ratio * count + 1e-9), selection.order.shape[1])


@given(cases())
def test_a_larger_ratio_prunes_the_same_tokens_and_more(case: dict[str, Any]) -> None:
    selection = prune.select(**case)
    others = selection.order.shape[1]
    small, large = selection.plan(others // 3), selection.plan(others)
    for few, many in zip(small.keep.tolist(), large.keep.tolist(), strict=True):
        assert set(many) <= set(few)


def test_protected_tokens_are_pruned_last() -> None:
    features = random(1, 64, 4)
    dynamics = random(1, 64, seed=3).abs()
    score = prune.scores(dynamics, random(64), Tokens())
    half = set(dynamics[0].topk(32).indices.tolist())
    selection = prune.select(features, score, dynamics, (8, 8), Tokens(protect=0.5))
    order = selection.order[0].tolist()
    free = [token for token in order if token not in half]
    assert order[: len(free)] == free


def test_weights_mean_the_same_at_every_scale_of_dynamics() -> None:
    dynamics, noise = random(2, 64).abs(), random(64, seed=1)
    small = prune.scores(dynamics * 1e-4, noise, Tokens())
    torch.testing.assert_close(small, prune.scores(dynamics, noise, Tokens()))


def test_constant_dynamics_leave_the_choice_to_noise() -> None:
    noise = random(16)
    score = prune.scores(torch.full((1, 16), 0.5), noise, Tokens())
    picked = prune.base_tokens(score, (4, 4), (2, 2))
    assert torch.equal(picked, prune.base_tokens(noise[None], (4, 4), (2, 2)))


def test_large_grids_are_matched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = random(2, 64, 4), random(1, 64, seed=1), None, (8, 8), Tokens()
    whole = prune.select(*arguments)
    monkeypatch.setattr(matching, "_CHUNK", 70)
    parts = prune.select(*arguments)
    assert torch.equal(whole.order, parts.order)
    assert torch.equal(whole.match, parts.match)


def test_halves_share_a_plan() -> None:
    plan = prune.select(random(3, 16, 4), random(1, 16), None, (4, 4), Tokens()).plan(8)
    both = plan.repeat(2)
    assert torch.equal(both.keep[:3], both.keep[3:])
    assert torch.equal(both.source[:3], plan.source)


class NoSync(TorchDispatchMode):
    """Fails on operations whose result the host has to wait for."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "item", "unique")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert not any(name in str(func) for name in self.WAITING), func
        return func(*args, **kwargs or {})


@pytest.fixture
def selection() -> Iterator[Selection]:
    with NoSync():  # type: ignore[no-untyped-call]
        dynamics = torch.rand(1, 64, generator=torch.Generator().manual_seed(0))
        score = prune.scores(dynamics, random(64), Tokens())
        yield prune.select(random(1, 64, 4), score, dynamics, (8, 8), Tokens())


def test_nothing_waits_for_the_device(selection: Selection) -> None:
    with NoSync():  # type: ignore[no-untyped-call]
        plan: Plan = selection.plan(32).repeat(2)
        plan.recover(plan.prune(random(2, 64, 4)))
