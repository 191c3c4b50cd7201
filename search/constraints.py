"""Bounds that a front must keep, such as ``">=5"`` or ``"<=baseline+0.5"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

_NUMBER = r"\d+(?:\.\d+)?"
_BOUND = re.compile(rf"(?P<sign><=|>=)(?:(?P<number>{_NUMBER})|baseline(?P<offset>[+-]{_NUMBER})?)")
GRAMMAR = "a bound is <= or >= and a number, such as >=5; several are joined by a comma"


@dataclass(frozen=True)
class Bound:
    """One side of what a quantity may be.

    Args:
        upper: whether ``limit`` is the largest value that is allowed, not the smallest.
        relative: whether ``limit`` is meant on top of the unpatched model's own value.
    """

    upper: bool
    limit: float
    relative: bool = False

    def violation(self, value: float) -> float:
        """How far ``value`` is outside, as a share of the limit; 0 or less is inside."""
        excess = value - self.limit if self.upper else self.limit - value
        return excess / abs(self.limit) if self.limit else excess

    def __str__(self) -> str:
        sign = "<=" if self.upper else ">="
        return f"{sign}baseline{self.limit:+g}" if self.relative else f"{sign}{self.limit:g}"


def parse_bounds(text: str) -> tuple[Bound, ...]:
    """The bounds of ``text``: ``("<=" | ">=") (NUMBER | "baseline" [("+" | "-") NUMBER])``, joined
    by commas.

    Raises:
        ValueError: the text is none of that, or no value satisfies all of its bounds.
    """
    bounds = tuple(_parse_bound(part) for part in text.replace(" ", "").split(","))
    for relative in (False, True):
        alike = [bound for bound in bounds if bound.relative == relative]
        lowest = max((bound.limit for bound in alike if not bound.upper), default=None)
        highest = min((bound.limit for bound in alike if bound.upper), default=None)
        if lowest is not None and highest is not None and lowest > highest:
            raise ValueError(f"no value is both >={lowest:g} and <={highest:g}; drop one of them")
    return bounds


def _parse_bound(text: str) -> Bound:
    match = _BOUND.fullmatch(text)
    if match is None:
        raise ValueError(f"{GRAMMAR}; found {text!r}")
    upper, number = match["sign"] == "<=", match["number"]
    if number is not None:
        return Bound(upper, float(number))
    return Bound(upper, float(match["offset"] or 0), relative=True)


@dataclass(frozen=True)
class Constraints:
    """What the members of a front have to keep.

    Args:
        speedup: bounds on the cost table's speed-up, which is known before an image is made.
        fid: bounds on the FID that the study minimises.
    """

    speedup: tuple[Bound, ...] = ()
    fid: tuple[Bound, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.speedup or self.fid)

    def __str__(self) -> str:
        named = (("speed-up", self.speedup), ("FID", self.fid))
        return ", ".join(f"{name} {bound}" for name, bounds in named for bound in bounds)

    def at(self, baseline_fid: float) -> Constraints:
        """The same constraints with every bound absolute.

        Args:
            baseline_fid: the unpatched model's FID, by the study's objective.

        Raises:
            ValueError: an FID, which is never negative, cannot be that low.
        """
        fid = tuple(
            replace(bound, limit=bound.limit + baseline_fid, relative=False)
            if bound.relative
            else bound
            for bound in self.fid
        )
        for bound, asked in zip(fid, self.fid, strict=True):
            if bound.upper and bound.limit < 0:
                raise ValueError(
                    f"constraints.fid={str(asked)!r} asks for an FID of at most {bound.limit:g}, "
                    "and no FID is below 0. Raise it."
                )
        return replace(self, fid=fid)

    def violations(self, speedup: float | None, fid: float | None) -> Mapping[str, float]:
        """The worst violation by quantity, of those that are constrained and known."""
        quantities = (("speedup", self.speedup, speedup), ("fid", self.fid, fid))
        return {
            name: max(bound.violation(value) for bound in bounds)
            for name, bounds, value in quantities
            if bounds and value is not None
        }
