"""The pruning noise is the same numbers wherever it is used."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dato.tokens.noise import Noise, noise_seed, standard_normal

ELSEWHERE = torch.device("meta")


def test_noise_differs_between_calls_and_places() -> None:
    drawn = {noise_seed(call, place) for call in range(60) for place in (0, 1, 2, 256, 257)}
    assert len(drawn) == 300
    assert torch.equal(standard_normal(7, 5), standard_normal(7, 5))


def test_each_call_and_place_has_its_own_numbers_wherever_they_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Tensor, "to", lambda tensor, *_, **__: tensor)
    noise = Noise(4, ELSEWHERE)
    assert torch.equal(noise.draw(2, 1, 12), standard_normal(noise_seed(2, 1), 12))
    assert torch.equal(noise.rows(3)[1, 12], standard_normal(noise_seed(3, 1), 12))


def test_the_noise_of_all_calls_is_copied_once() -> None:
    noise = Noise(40, ELSEWHERE)
    assert not noise.rows(0)
    first = noise.draw(0, 0, 6)
    for call in range(1, 40):
        row = noise.rows(call)[0, 6]
        assert row.device == ELSEWHERE
        assert row.untyped_storage() == first.untyped_storage()
