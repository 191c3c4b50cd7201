"""A study's calibration: what it covers, and when it is made."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from search.calibration.table import Calibration, Key
from search.space import Space


def kept_calibration(
    path: Path, key: Key, depths: Collection[int], make: Callable[[], Calibration]
) -> Calibration:
    """The calibration in ``path``, or one that is made and written there, whole or not at all.

    It is kept because the same parameters must decode to the same weights for ever. One that was
    measured under another key (by other versions is none) or lacks a depth is made again.

    Raises:
        UserError: the file is broken.
    """
    if path.is_file():
        kept = Calibration.load(path)
        same = kept.key.model_copy(update={"versions": key.versions}) == key
        if same and set(depths) <= set(kept.cuts):
            return kept
    kept = make()
    kept.save(path)
    return kept


def depths_of(space: Space) -> tuple[int, ...]:
    """The cuts that calls of a space can stand on."""
    values = (
        value
        for name, entry in space.spec.entries
        if name.endswith(".depth")
        for value in entry.domain.values
    )
    return tuple(sorted({value for value in values if isinstance(value, int) and value > 0}))


def calibrated(space: Space) -> bool:
    """Whether a space takes its full calls, or weights of fitted forecasts, from a calibration."""
    fitted = any(
        name.startswith("forecast.") and "fitted" in entry.domain.values
        for name, entry in space.spec.entries
    )
    return fitted or space.spec.rule == "planned"
