"""The matching of tokens to base tokens, on any device."""

from __future__ import annotations

from typing import NoReturn

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dato.tokens import matching
from tests.dato.tiny import random
from tests.oracles import pruning as oracle

sizes = st.integers(1, 9)


@given(sizes, st.integers(0, 9), sizes, sizes, st.integers(0, 10**6))
def test_closest_is_the_largest_cosine(
    images: int, others: int, bases: int, channels: int, seed: int
) -> None:
    tokens, base = random(images, others, channels, seed=seed), random(images, bases, channels)
    cosine, place = matching.closest(tokens, base)
    assert cosine.shape == place.shape == (images, others)
    for image in range(images):
        targets = base[image].tolist()
        for row, token in enumerate(tokens[image].tolist()):
            every = [oracle.cosine(token, target) for target in targets]
            assert cosine[image, row].item() == pytest.approx(max(every), abs=1e-5)
            assert every[int(place[image, row])] == pytest.approx(max(every), abs=1e-5)


def test_the_first_of_equals_wins_and_nothing_is_like_zero() -> None:
    base = torch.tensor([[[0.0, 2.0], [1.0, 0.0], [3.0, 0.0], [0.5, 0.0]]])
    tokens = torch.tensor([[[7.0, 0.0], [0.0, 0.0], [-1.0, -1.0]]])
    cosine, place = matching.closest(tokens, base)
    assert place.tolist() == [[1, 0, 0]]
    torch.testing.assert_close(cosine, torch.tensor([[1.0, 0.0, -(0.5**0.5)]]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precisions_give_a_float32_cosine(dtype: torch.dtype) -> None:
    tokens, base = random(2, 30, 16).to(dtype), random(2, 10, 16, seed=1).to(dtype)
    cosine, _ = matching.closest(tokens, base)
    exact, _ = matching.closest(tokens.float(), base.float())
    assert cosine.dtype == torch.float32
    torch.testing.assert_close(cosine, exact, rtol=0, atol=0.02)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, base = random(2, 48, 4), random(2, 16, 4, seed=1)
    whole = matching.closest(tokens, base)
    monkeypatch.setattr(matching, "_CHUNK", 70)
    parts = matching.closest(tokens, base)
    torch.testing.assert_close(parts[0], whole[0])
    assert torch.equal(parts[1], whole[1])


class Anywhere(Tensor):
    """A tensor of the CPU that says it is on a GPU."""

    is_cuda = True


def test_a_kernel_that_cannot_run_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(tokens: Tensor, base: Tensor) -> NoReturn:
        raise RuntimeError("Failed to find C compiler.")

    tokens, base = random(1, 6, 4), random(1, 3, 4, seed=1)
    expected = matching.closest(tokens, base)
    monkeypatch.setattr(matching, "_kernel", broken)
    assert torch.equal(matching.match(tokens, base)[1], expected[1])
    with pytest.warns(UserWarning, match="without Triton: Failed to find C compiler"):
        _, place = matching.match(tokens.as_subclass(Anywhere), base)
    assert torch.equal(place.as_subclass(Tensor), expected[1])
    assert matching._kernel is None


def test_the_kernel_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted(tokens: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
        used.append(1)
        return matching.closest(tokens, base)

    used: list[int] = []
    tokens, base = random(1, 6, 4).as_subclass(Anywhere), random(1, 3, 4, seed=1)
    monkeypatch.setattr(matching, "_kernel", counted)
    with matching.without_kernel():
        matching.match(tokens, base)
    assert not used
    matching.match(tokens, base)
    assert used
