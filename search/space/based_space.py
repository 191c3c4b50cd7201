"""A space whose schedules may run on several base samplers.

The base is a parameter like any other, and the rest of the parameters mean on each base what they
mean in a space of that base alone. Where a base has fewer values for one of them, such as a run of
20 calls for a number of full calls up to 50, the closest is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dato import Schedule
from search.errors import ConfigError
from search.records.base_sampler import Base, label_of
from search.space.bind import Bound
from search.space.context import SpaceContext
from search.space.decode import decode
from search.space.domains import Choice, Domain, IntRange, Value, nearest
from search.space.language import SpaceSpec
from search.space.parameters import Parameter
from search.space.space import Space

BASE = "base"
"""Name of the parameter."""


class BasedSpace(Space):
    """See :class:`search.space.space.Space`. A context says what it is on each base."""

    def __init__(self, spec: SpaceSpec) -> None:
        super().__init__(spec)
        self._bases = {label_of(base): base for base in spec.bases}

    @property
    def bases(self) -> tuple[Base | None, ...]:
        """Base samplers that schedules may run on."""
        return self.spec.bases

    def base(self, params: Mapping[str, object]) -> Base | None:
        """The base of ``params``."""
        if len(self.bases) == 1:
            return self.bases[0]
        label = params.get(BASE)
        if label not in self._bases:
            known = ", ".join(self._bases)
            fault = "there is no base" if label is None else f"{label!r} is no base of this space"
            headline = f"The parameters do not belong to the space {self.name!r}"
            raise ConfigError(headline, [f"{BASE}: {fault}. Choose one of {known}."])
        return self._bases[str(label)]

    def with_bases(self, bases: Sequence[Base | None]) -> Space:
        """See :class:`search.space.space.Space`."""
        return BasedSpace(replace(self.spec, bases=tuple(bases)))

    def on_own_sampler(self) -> Space:
        """The same space on the study's own sampler alone."""
        return Space(replace(self.spec, bases=()))

    def parameters(self, context: SpaceContext) -> tuple[Parameter, ...]:
        """The base, and every dimension that some base has."""
        domains: dict[str, Domain] = {}
        if len(self.bases) > 1:
            domains[BASE] = Choice(tuple(self._bases))
        for base in self.bases:
            for parameter in self.on(base, context).parameters:
                known = domains.get(parameter.name, parameter.domain)
                domains[parameter.name] = _joined(known, parameter.domain)
        return tuple(Parameter(name, domain) for name, domain in domains.items())

    def decode(self, params: Mapping[str, object], context: SpaceContext) -> Schedule:
        """The schedule of ``params`` on their base."""
        whole = Bound(self.spec, context, self.parameters(context), {}, {})
        values = whole.complete(params)
        bound = self.on(self.base(params), context)
        nearby = {each.name: nearest(each.domain, values[each.name]) for each in bound.parameters}
        return decode(bound, bound.complete(nearby))

    def lifted(
        self, params: Mapping[str, Value], base: Base | None, context: SpaceContext
    ) -> dict[str, Value]:
        """See :class:`search.space.space.Space`. What the base does not have takes any value."""
        lifted: dict[str, Value] = {}
        for parameter in self.parameters(context):
            if parameter.name == BASE:
                lifted[BASE] = label_of(base)
            elif parameter.name in params:
                lifted[parameter.name] = nearest(parameter.domain, params[parameter.name])
            else:
                lifted[parameter.name] = parameter.domain.ends[0]
        return lifted


def _joined(first: Domain, second: Domain) -> Domain:
    """The values of either; ranges of one entry differ only in their ends."""
    if isinstance(first, IntRange) and isinstance(second, IntRange):
        low, high = min(first.low, second.low), max(first.high, second.high)
        return replace(first, low=low, high=low + (high - low) // first.step * first.step)
    if isinstance(first, Choice):
        return Choice(tuple(dict.fromkeys((*first.values, *second.values))))
    return first
