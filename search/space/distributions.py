"""The Optuna distribution that a parameter draws from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.space.parameters import Parameter


def distribution_of(parameter: Parameter) -> BaseDistribution:
    """The distribution that a trial would note when the parameter is drawn."""
    note = _Note()
    parameter.suggest(note)
    return note.distribution


class _Note:
    """Stands where a trial does, and keeps what it was asked for."""

    distribution: BaseDistribution

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        self.distribution = IntDistribution(low, high, log=log, step=step)
        return low

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        self.distribution = FloatDistribution(low, high, log=log, step=step)
        return low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.distribution = CategoricalDistribution(choices)
        return choices[0]
