"""Sets of values that an entry of a space can take, and how a trial draws from them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any, Protocol

Value = int | float | str

GRID = 200
"""Points that stand for a continuous range where its values have to be listed."""

MOST = 10_000
"""Values that a range with steps may have: some searches look at each of them."""

DIGITS = 4
"""Significant digits of a value that is drawn from a continuous range."""


class Trial(Protocol):
    """The part of an Optuna trial that a domain uses."""

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int: ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float: ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...


@dataclass(frozen=True)
class Choice:
    """One of ``values``, without order. A constant is a choice of one value."""

    values: tuple[Value, ...]

    @property
    def ends(self) -> tuple[Value, ...]:
        """All values: a choice has no order."""
        return self.values

    def suggest(self, trial: Trial, name: str) -> Value:
        value: Value = trial.suggest_categorical(name, self.values)
        return value

    def clean(self, value: Value) -> Value:
        return next(each for each in self.values if each == value)


@dataclass(frozen=True)
class IntRange:
    """Integers from ``low`` to ``high``, every ``step``."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(range(self.low, self.high + 1, self.step))

    @property
    def ends(self) -> tuple[Value, ...]:
        return (self.low, self.high)

    def suggest(self, trial: Trial, name: str) -> Value:
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    def clean(self, value: Value) -> Value:
        return int(value)

    def up_to(self, limit: int) -> IntRange:
        """The same range without the values above ``limit`` (at least ``low`` or ``limit``)."""
        low = min(self.low, limit)
        high = max(low, min(self.high, limit))
        return IntRange(low, high - (high - low) % self.step, self.step, self.log)

    def down_to(self, limit: int) -> IntRange:
        """The same range without the values below ``limit``, but for the largest of them."""
        steps = max(min(limit, self.high) - self.low, 0) // self.step
        return IntRange(self.low + steps * self.step, self.high, self.step, self.log)


@dataclass(frozen=True)
class FloatRange:
    """Numbers from ``low`` to ``high``; multiples of ``step`` above ``low`` where it is given."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value, or about :data:`GRID` of them where the range is continuous."""
        if self.step is not None:
            count = round((self.high - self.low) / self.step)
            return tuple(self.clean(self.low + self.step * index) for index in range(count + 1))
        if self.low == self.high:
            return (self.low,)
        shares = [index / GRID for index in range(GRID + 1)]
        if self.log:
            span = math.log(self.high / self.low)
            points = [self.low * math.exp(span * share) for share in shares]
        else:
            points = [self.low + (self.high - self.low) * share for share in shares]
        return tuple(dict.fromkeys(self.clean(point) for point in points))

    @property
    def ends(self) -> tuple[Value, ...]:
        return (self.low, self.high)

    def suggest(self, trial: Trial, name: str) -> Value:
        drawn = trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)
        return self.clean(drawn)

    def clean(self, value: Value) -> float:
        """``value`` as it is printed: on the step, or with :data:`DIGITS` significant digits."""
        number = float(value)
        if self.step is None:
            return min(max(float(f"{number:.{DIGITS}g}"), self.low), self.high)
        return round(self.low + round((number - self.low) / self.step) * self.step, 10)


Domain = Choice | IntRange | FloatRange


def is_finite(value: int | float) -> bool:
    """Whether a number fits a float and is neither infinite nor NaN."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def contains(domain: Domain, value: object) -> bool:
    """Whether a trial could have drawn ``value`` from ``domain``."""
    if isinstance(value, bool):
        return False
    if isinstance(domain, Choice):
        return value in domain.values
    if isinstance(value, str) or not isinstance(value, int | float) or not is_finite(value):
        return False
    if not domain.low - 1e-9 <= value <= domain.high + 1e-9:
        return False
    if isinstance(domain, IntRange):
        return value == int(value) and (int(value) - domain.low) % domain.step == 0
    return domain.step is None or abs(domain.clean(value) - value) < 1e-6


def nearest(domain: Domain, value: Value) -> Value:
    """The value of ``domain`` closest to ``value``."""
    if contains(domain, value):
        return domain.clean(value)

    def distance(known: Value) -> float:
        if isinstance(known, str) or isinstance(value, str):
            return math.inf
        return abs(known - value)

    return min(domain.values, key=distance)


def smallest(domain: Domain, reached: Callable[[float], bool]) -> Value | None:
    """The smallest number of ``domain`` for which ``reached`` holds, as for all larger ones."""
    if isinstance(domain, FloatRange) and domain.step is None:
        return _smallest(domain, reached)
    numbers = sorted(value for value in domain.values if not isinstance(value, str))
    place = bisect_left(numbers, True, key=reached)
    return numbers[place] if place < len(numbers) else None


def _smallest(domain: FloatRange, reached: Callable[[float], bool]) -> float | None:
    """The same of a continuous range, whose values have :data:`DIGITS` significant digits."""
    low, high = domain.low, domain.high
    if reached(low):
        return low
    if not reached(high):
        return None
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (low, middle) if reached(middle) else (middle, high)
    short = domain.clean(high)
    if short < high:
        short = domain.clean(float(Context(DIGITS, ROUND_CEILING).create_decimal(Decimal(high))))
    return short
