"""Which valid name somebody most likely meant by one that is not valid."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import takewhile

ALIKE = 0.6
"""Least likeness of a name that is advised (``difflib``'s ratio, from 0 to 1)."""


def nearest(name: str, names: Iterable[str], count: int = 1, least: float = ALIKE) -> list[str]:
    """The ``count`` names that are most like ``name``, the best first.

    Of two that are as like, the one that begins the same way comes first: ``sd16`` means ``sd15``
    and not ``sd21``.
    """

    def likeness(known: str) -> tuple[float, int]:
        ratio = difflib.SequenceMatcher(None, known, name).ratio()
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(known, name, strict=False))
        return ratio, len([*alike])

    ordered = sorted(names, key=likeness, reverse=True)
    return [known for known in ordered if likeness(known)[0] >= least][:count]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``"Did you mean 'sd15'? "``, with the blank behind it; empty where no name is near."""
    close = nearest(name, names)
    return f"Did you mean {close[0]!r}? " if close else ""
