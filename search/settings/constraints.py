"""Bounds that a front must keep, such as ``">=5"`` or ``"<=baseline+0.5"``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from search.metrics import FID_REAL_BOUND, FIDS, WORSE, metric

_NUMBER = r"\d+(?:\.\d+)?"
_BOUND = re.compile(rf"(?P<sign><=|>=)(?:(?P<number>{_NUMBER})|baseline(?P<offset>[+-]{_NUMBER})?)")
SPEEDUP = "speedup"
GRAMMAR = (
    "Write <= or >= before a number (>=5), or before the unpatched model's value (<=baseline, "
    "<=baseline+0.5), and a comma between several"
)


@dataclass(frozen=True)
class Bound:
    """One side of what a quantity may be.

    Args:
        upper: whether ``limit`` is the largest allowed value; otherwise it is the smallest.
        relative: whether the unpatched model's own value is added to ``limit``.
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
        ValueError: the text breaks this grammar, or no value satisfies all of its bounds.
    """
    bounds = tuple(_parse_bound(part) for part in text.replace(" ", "").split(","))
    for relative in (False, True):
        alike = [bound for bound in bounds if bound.relative == relative]
        lowest = max((bound.limit for bound in alike if not bound.upper), default=None)
        highest = min((bound.limit for bound in alike if bound.upper), default=None)
        if lowest is not None and highest is not None and lowest > highest:
            raise ValueError(
                f"no value is both >={lowest:g} and <={highest:g}. Leave one of them out."
            )
    return bounds


def _parse_bound(text: str) -> Bound:
    match = _BOUND.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a bound. {GRAMMAR}.")
    upper, number = match["sign"] == "<=", match["number"]
    if number is not None:
        return Bound(upper, float(number))
    return Bound(upper, float(match["offset"] or 0), relative=True)


@dataclass(frozen=True)
class Constraints:
    """What the members of a front have to keep.

    Args:
        bounds: by the quantity that they bound: the name of a metric, or ``"speedup"``, which the
            cost table knows before an image is made.
    """

    bounds: Mapping[str, tuple[Bound, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.bounds)

    def __str__(self) -> str:
        return ", ".join(
            f"{_title(name)} {bound}" for name, bounds in self.bounds.items() for bound in bounds
        )

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that are bounded."""
        return tuple(name for name in self.bounds if name != SPEEDUP)

    def at(self, unpatched: Callable[[str], float | None]) -> Constraints:
        """The same constraints with every bound absolute.

        Args:
            unpatched: the unpatched model's value of a metric. Its own paired bound is its FID, of
                which :data:`~search.metrics.WORSE` more is allowed.

        Raises:
            ValueError: a metric was not measured, or a bound asks for a negative FID.
        """
        absolute = {
            name: tuple(_absolute(name, bound, unpatched) for bound in bounds)
            for name, bounds in self.bounds.items()
        }
        return Constraints(absolute)

    def violations(self, value: Callable[[str], float | None]) -> Mapping[str, float]:
        """The worst violation of each bounded quantity whose value is known."""
        known = {name: number for name in self.bounds if (number := value(name)) is not None}
        return {
            name: max(bound.violation(number) for bound in self.bounds[name])
            for name, number in known.items()
        }


def _absolute(name: str, asked: Bound, unpatched: Callable[[str], float | None]) -> Bound:
    if not asked.relative:
        return asked
    value = unpatched(name)
    if value is None:
        raise ValueError(
            f"constraints.{name}={str(asked)!r} cannot be kept: {name} was not measured for the "
            "unpatched model. Remove it."
        )
    limit = asked.limit + value * (1 + WORSE if name == FID_REAL_BOUND else 1)
    if name in FIDS and limit < 0:
        raise ValueError(
            f"constraints.{name}={str(asked)!r} asks for an FID of at most {limit:g}, and no FID "
            "is below 0. Raise it."
        )
    return replace(asked, limit=limit, relative=False)


def _title(name: str) -> str:
    return "speed-up" if name == SPEEDUP else metric(name).title
