"""Sets of values that a leaf of a space can take, and how a trial draws from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Value = int | float | str

GRID = 200
"""Points that stand for a continuous range where its values have to be listed."""


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

    def suggest(self, trial: Trial, name: str) -> Value:
        value: Value = trial.suggest_categorical(name, self.values)
        return value

    def clean(self, value: Value) -> Value:
        return next(own for own in self.values if own == value)


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

    def suggest(self, trial: Trial, name: str) -> Value:
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    def clean(self, value: Value) -> Value:
        return int(value)

    def up_to(self, limit: int) -> IntRange:
        """The same range without the values above ``limit`` (at least ``low`` or ``limit``)."""
        low = min(self.low, limit)
        high = max(low, min(self.high, limit))
        return IntRange(low, high - (high - low) % self.step, self.step, self.log)


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

    def suggest(self, trial: Trial, name: str) -> Value:
        drawn = trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)
        return self.clean(drawn)

    def clean(self, value: Value) -> Value:
        """``value`` as it is printed: on the step, or with four significant digits."""
        number = float(value)
        if self.step is None:
            return min(max(float(f"{number:.4g}"), self.low), self.high)
        return round(self.low + round((number - self.low) / self.step) * self.step, 10)


Domain = Choice | IntRange | FloatRange


def contains(domain: Domain, value: object) -> bool:
    """Whether a trial could have drawn ``value`` from ``domain``."""
    if isinstance(value, bool):
        return False
    if isinstance(domain, Choice):
        return value in domain.values
    if isinstance(value, str) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    if not domain.low - 1e-9 <= value <= domain.high + 1e-9:
        return False
    if isinstance(domain, IntRange):
        return value == int(value) and (int(value) - domain.low) % domain.step == 0
    return domain.step is None or abs(float(domain.clean(value)) - value) < 1e-6


def nearest(domain: Domain, value: Value) -> Value:
    """The value of ``domain`` closest to ``value``."""
    if contains(domain, value):
        return domain.clean(value)

    def distance(own: Value) -> float:
        if isinstance(own, str) or isinstance(value, str):
            return math.inf
        return abs(own - value)

    return min(domain.values, key=distance)
