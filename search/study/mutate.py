"""Small changes of a proposal: shift one parameter, or exchange the values of two."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from search.space import Parameter
from search.space.domains import Choice, Value

Params = dict[str, Value]

REACH = 4
"""How far apart two exchanged parameters of a series are at most, and about how many values a
range is shifted by."""


def mutated(
    params: Mapping[str, Value], parameters: Sequence[Parameter], generator: random.Random
) -> Params:
    """``params`` after one change, two with half the chance, and so on.

    In a series of parameters (``calls.depth.01``, ``calls.depth.02``, ...) an exchange moves a full
    call, or swaps two calls' kinds; a shift adds one, drops one, or changes a ratio.
    """
    changed = dict(params)
    while True:
        parameter = generator.choice(parameters)
        if generator.random() < 0.5 or not _exchanged(changed, parameter, parameters, generator):
            changed[parameter.name] = _shifted(parameter, changed[parameter.name], generator)
        if generator.random() < 0.5:
            return changed


def _exchanged(
    params: Params, parameter: Parameter, parameters: Sequence[Parameter], generator: random.Random
) -> bool:
    """Exchange the value of ``parameter`` with a near one of its series, if any differs."""
    series = [other for other in parameters if _series(other) == _series(parameter)]
    place = series.index(parameter)
    near = [
        other
        for other in series[max(place - REACH, 0) : place + REACH + 1]
        if params[other.name] != params[parameter.name]
    ]
    if not near:
        return False
    other = generator.choice(near)
    params[parameter.name], params[other.name] = params[other.name], params[parameter.name]
    return True


def _series(parameter: Parameter) -> str:
    """The name without its call number; only call numbers make a series."""
    stem, _, last = parameter.name.rpartition(".")
    return stem if last.isdigit() else parameter.name


def _shifted(parameter: Parameter, value: Value, generator: random.Random) -> Value:
    """Another choice, or a value at most :data:`REACH` steps away in a range."""
    values = parameter.domain.values
    if isinstance(parameter.domain, Choice):
        return generator.choice([other for other in values if other != value])
    place = min(range(len(values)), key=lambda index: abs(float(values[index]) - float(value)))
    near = values[max(place - REACH, 0) : place] + values[place + 1 : place + REACH + 1]
    return generator.choice(near)
