"""The rules that the parts of a schedule keep together, each with its error. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dato.errors import (
    EmptyScheduleError,
    FirstCallError,
    RatioError,
    TunedError,
    UnknownKindError,
)
from dato.kind import Kinds, Quantity, Steps
from dato.token_settings import Tokens
from dato.tuned import TunedSampler

MOST_LISTED = 4
"""The most names that an error lists, each of up to 200 characters in a file."""


def check_names(kinds: Kinds, steps: Steps) -> None:
    """Steps and kinds name each other, and the first step is full."""
    if not steps or not kinds:
        missing = "kinds" if steps else "steps"
        raise EmptyScheduleError(f"The schedule has no {missing}.", remedy="Add at least one.")
    unknown = sorted(set(steps) - set(kinds))
    if unknown:
        raise UnknownKindError(
            f"A step names the kind {unknown[0]!r}, which is not defined.",
            remedy=f"Defined kinds: {_listed(kinds)}.",
        )
    unused = sorted(set(kinds) - set(steps))
    if unused:
        raise UnknownKindError(
            f"No step names the kind {unused[0]!r}.",
            remedy="Remove it or use it.",
        )
    first = kinds[steps[0]]
    if first.depth != "full":
        raise FirstCallError(
            f"The first call has the depth {first.depth}, but there is nothing to reuse yet.",
            remedy='Give the first step a kind of depth "full".',
        )


def check_ratios(kinds: Kinds, tokens: Tokens) -> None:
    """Every ratio leaves the base tokens."""
    limit = tokens.max_ratio
    for name, kind in kinds.items():
        for layer, ratio in kind.prune.items():
            if not (math.isfinite(ratio) and 0 <= ratio <= limit):
                raise RatioError(
                    f"The pruning ratio {ratio!r} of {layer!r} in the kind {name!r} is not "
                    f"between 0 and 1 - 1/(patch area) = {limit:g}.",
                    remedy="Lower the ratio or enlarge the patch."
                    if ratio > limit
                    else "Use 0 to prune nothing.",
                )


def check_tuned(tuned: TunedSampler | None, kinds: Kinds, steps: Steps, quantity: Quantity) -> None:
    """A tuned sampler has one full call for each timestep."""
    if tuned is None:
        return
    if tuned.calls != len(steps):
        raise TunedError(
            f"The tuned sampler has {tuned.calls} calls, but the schedule {len(steps)}.",
            remedy="Give the schedule one step for each timestep.",
        )
    for name, kind in kinds.items():
        if kind.depth != "full":
            raise TunedError(
                f"A tuned sampler computes every call, but the kind {name!r} has the depth "
                f"{kind.depth}.",
                remedy="Use full kinds only.",
            )
    if quantity != "epsilon":
        raise TunedError(
            f"A tuned sampler sums what is held as epsilon, but the quantity is {quantity!r}.",
            remedy='Use "epsilon".',
        )


def _listed(names: Iterable[str]) -> str:
    """The first names of many, for a sentence."""
    some = sorted(names)
    return ", ".join(some[:MOST_LISTED]) + (", ..." if len(some) > MOST_LISTED else "")
