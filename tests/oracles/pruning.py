"""Token selection the slow way, one image at a time, in plain Python numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dato.schedule import Tokens

Vector = list[float]


@dataclass
class Chosen:
    """What one attention keeps: ``source[n]`` is the kept token that token ``n`` is read from."""

    base: list[int]
    kept: set[int]
    source: list[int]


def score(dynamics: Vector | None, noise: Vector, tokens: Tokens) -> Vector:
    """Weighted dynamics, in units of their standard deviation, plus weighted noise."""
    if dynamics is None:
        return [tokens.noise_weight * each for each in noise]
    mean = math.fsum(dynamics) / len(dynamics)
    deviation = math.sqrt(math.fsum((d - mean) ** 2 for d in dynamics) / len(dynamics))
    scale = max(deviation, 1e-6)
    return [
        tokens.dynamics_weight * (d - mean) / scale + tokens.noise_weight * n
        for d, n in zip(dynamics, noise, strict=True)
    ]


def base_tokens(scores: Vector, grid: tuple[int, int], patch: tuple[int, int]) -> list[int]:
    """The token with the highest score in each patch."""
    height, width = grid
    chosen = []
    for top in range(0, height, patch[0]):
        for left in range(0, width, patch[1]):
            members = [
                row * width + column
                for row in range(top, min(top + patch[0], height))
                for column in range(left, min(left + patch[1], width))
            ]
            chosen.append(max(members, key=lambda member: scores[member]))
    return chosen


def cosine(a: Vector, b: Vector) -> float:
    """Cosine of the angle between two tokens."""
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    lengths = math.sqrt(math.fsum(x * x for x in a)) * math.sqrt(math.fsum(y * y for y in b))
    return dot / max(lengths, 1e-12)


def choose(
    image: list[Vector],
    scores: Vector,
    dynamics: Vector | None,
    grid: tuple[int, int],
    tokens: Tokens,
    ratio: float,
) -> Chosen:
    """Prune the tokens most like a base token, those with the highest dynamics last."""
    count = len(image)
    base = base_tokens(scores, grid, tokens.patch)
    others = [token for token in range(count) if token not in base]
    match = {t: max(base, key=lambda b: cosine(image[t], image[b])) for t in others}
    last: set[int] = set()
    if dynamics is not None:
        ranked = sorted(range(count), key=lambda token: -dynamics[token])
        last = set(ranked[: math.floor(tokens.protect * count + 1e-9)])
    order = sorted(others, key=lambda t: (t in last, -cosine(image[t], image[match[t]])))
    pruned = set(order[: math.floor(ratio * count + 1e-9)])
    kept = set(range(count)) - pruned
    return Chosen(base, kept, [match[t] if t in pruned else t for t in range(count)])
