"""The Optuna distribution that a parameter draws from."""

from __future__ import annotations

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.space.domains import Choice, IntRange
from search.space.parameters import Parameter


def distribution_of(parameter: Parameter) -> BaseDistribution:
    """The distribution that a trial stores when the parameter is drawn."""
    domain = parameter.domain
    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.values)
    if isinstance(domain, IntRange):
        return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
