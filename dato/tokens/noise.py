"""The random part of token selection: the same numbers on every device and for every batch."""

from __future__ import annotations

import torch
from torch import Tensor

_SEED = 0xDA70
"""Start of every noise seed; the rest is the call and the level or layer."""


class Noise:
    """The noise of all calls of a schedule, drawn once and copied to the device once.

    Args:
        calls: number of calls.
        device: where it is used.
    """

    def __init__(self, calls: int, device: torch.device) -> None:
        self._calls = calls
        self._device = device
        self._drawn: dict[tuple[int, int], Tensor] = {}

    def rows(self, call: int) -> dict[tuple[int, int], Tensor]:
        """The noise drawn so far for one call: (tokens,), by place and number of tokens."""
        return {key: drawn[call] for key, drawn in self._drawn.items()}

    def draw(self, call: int, place: int, tokens: int) -> Tensor:
        """(tokens,), standard normal, for one call and place (a level or a layer).

        The first call that prunes a place draws its noise for all calls, so that no later call
        waits for a copy to the device.
        """
        seeds = (noise_seed(number, place) for number in range(self._calls))
        drawn = torch.stack([standard_normal(seed, tokens) for seed in seeds])
        if self._device.type == "cuda":
            drawn = drawn.pin_memory()
        self._drawn[place, tokens] = drawn = drawn.to(self._device, non_blocking=True)
        return drawn[call]


def noise_seed(call: int, place: int) -> int:
    """Seed of one selection, different for each call and level (or layer)."""
    return (_SEED * 100_003 + call) * 100_003 + place


def standard_normal(seed: int, count: int) -> Tensor:
    """(count,) from a private generator on the CPU."""
    seeded = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(count, generator=seeded, dtype=torch.float32, device="cpu")
