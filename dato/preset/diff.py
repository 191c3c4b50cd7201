"""Where two presets differ, place by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest


@dataclass(frozen=True)
class Difference:
    """One place of the file format.

    Args:
        path: such as ``"kinds.full.prune.level_0"`` or ``"steps[7]"``.
        left: value in the first preset; ``None`` where it has none.
        right: value in the second.
    """

    path: str
    left: object
    right: object


def diff(left: Mapping[str, object], right: Mapping[str, object]) -> tuple[Difference, ...]:
    """Every place where the plain data of two presets differs, in the order of the format."""
    return tuple(_differences("", left, right))


def _differences(path: str, left: object, right: object) -> Iterator[Difference]:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for name in [*left, *(name for name in right if name not in left)]:
            inside = f"{path}.{name}" if path else str(name)
            yield from _differences(inside, left.get(name), right.get(name))
    elif isinstance(left, list) and isinstance(right, list):
        for place, (one, other) in enumerate(zip_longest(left, right)):
            yield from _differences(f"{path}[{place}]", one, other)
    elif left != right:
        yield Difference(path, left, right)
