"""Writes a start: the values that it wants of some parameters, and the usual ones of all others."""

from __future__ import annotations

from collections.abc import Mapping

from dato import Tokens
from search.space.bind import Bound
from search.space.domains import Domain, Value, contains, nearest
from search.space.parameters import Parameter

Params = dict[str, Value]


class NotInSpaceError(Exception):
    """A space does not have what a start wants; the message says what."""


def written(bound: Bound, wanted: Mapping[str, Value], *, closest: bool = False) -> Params:
    """Values of all parameters of a space on one base.

    Args:
        wanted: by name, of parameters and of constants.
        closest: take the closest value where the space does not have a wanted one.

    Raises:
        NotInSpaceError: it does not have one.
    """
    for name, value in wanted.items():
        domain = bound.domain(name)
        if not closest and not contains(domain, value):
            raise NotInSpaceError(f"{name} is never {value} in the space {bound.spec.name!r}")
    return {
        parameter.name: nearest(parameter.domain, wanted.get(parameter.name, usual(parameter)))
        for parameter in bound.parameters
    }


def usual(parameter: Parameter) -> Value:
    """The value that a start takes of a parameter which it says nothing about.

    Nothing is pruned, held values are repeated, lines are straight, and ranges are widest.
    """
    name, domain = parameter.name, parameter.domain
    if name in _USUAL:
        return nearest(domain, _USUAL[name])
    if name.startswith("between."):
        return (min if name.endswith(".start") else max)(domain.values, key=float)
    if "prune" in name.split("."):
        return nearest(domain, 0.0)
    if name in ("forecast.output", "forecast.cut"):
        return _first(domain, "hold", "linear")
    return domain.ends[0]


def _first(domain: Domain, *wanted: Value) -> Value:
    """The first of the wanted values that a domain has."""
    return next((value for value in wanted if contains(domain, value)), domain.ends[0])


_USUAL: dict[str, Value] = {
    "cached.depth": 1,
    "cached.reuse": 0.0,
    "refresh.bias": 1.0,
    "forecast.quantity": "epsilon",
    "forecast.slope.early": 1.0,
    "forecast.slope.late": 1.0,
    **{f"tokens.{name}": value for name, value in vars(Tokens()).items() if name != "patch"},
}
