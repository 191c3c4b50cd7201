"""A space whose schedules may run on several base samplers.

The base is a parameter like any other, and the rest of the parameters mean on each base what they
mean in a space of that base alone. Where a base has fewer values for one of them, such as a run of
20 calls for a number of full calls up to 50, the closest is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest

from dato import Schedule
from search.errors import ConfigError
from search.records.base_sampler import Base, label_of
from search.space.behaviour import Behaviour
from search.space.bind import Bound
from search.space.context import SpaceContext
from search.space.decode import decode
from search.space.domains import Choice, Domain, IntRange, Value, nearest
from search.space.encode import encode
from search.space.language import SpaceSpec
from search.space.parameters import Parameter
from search.space.space import Space
from search.space.warmstart import covered, spread

BASE = "base"
"""Name of the parameter."""


class BasedSpace(Space):
    """See :class:`search.space.space.Space`. A context says what it is on each base."""

    def __init__(self, spec: SpaceSpec) -> None:
        super().__init__(spec)
        self._bases = {label_of(base): base for base in spec.bases}

    @property
    def bases(self) -> tuple[Base, ...]:
        """Base samplers that schedules may run on."""
        return self.spec.bases

    def base(self, params: Mapping[str, object]) -> Base:
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

    def on_own_sampler(self) -> Space:
        """The same space on the study's own sampler alone."""
        return Space(replace(self.spec, bases=()))

    def parameters(self, context: SpaceContext) -> tuple[Parameter, ...]:
        """The base, and every dimension that some base has."""
        domains: dict[str, Domain] = {}
        if len(self.bases) > 1:
            domains[BASE] = Choice(tuple(self._bases))
        for base in self.bases:
            for own in self._on(base, context).parameters:
                known = domains.get(own.name, own.domain)
                domains[own.name] = _joined(known, own.domain)
        return tuple(Parameter(name, domain) for name, domain in domains.items())

    def decode(self, params: Mapping[str, object], context: SpaceContext) -> Schedule:
        """The schedule of ``params`` on their base."""
        whole = Bound(self.spec, context, self.parameters(context), {}, {})
        values = whole.complete(params)
        bound = self._on(self.base(params), context)
        own = {each.name: nearest(each.domain, values[each.name]) for each in bound.parameters}
        return decode(bound, bound.complete(own))

    def encode(
        self, schedule: Schedule, context: SpaceContext, base: Base = None
    ) -> dict[str, Value] | None:
        """Parameters of a schedule on a base; ``None`` if the space lacks either."""
        if base not in self.bases or schedule.calls != context.on(base).calls:
            return None
        wanted = Behaviour.of(schedule, context.on(base).timesteps)
        found = encode(self._on(base, context), wanted)
        return None if found is None else self._lifted(found, base, context)

    def encode_uniform(
        self,
        interval: int,
        depth: int,
        ratio: float,
        context: SpaceContext,
        base: Base = None,
    ) -> dict[str, Value] | None:
        """Parameters of a uniform run on a base; ``None`` if the space lacks either."""
        if base not in self.bases:
            return None
        found = self._uniform(self._on(base, context), interval, depth, ratio)
        return None if found is None else self._lifted(found, base, context)

    def warm_starts(self, context: SpaceContext, count: int) -> tuple[dict[str, Value], ...]:
        """Up to ``count`` uniform schedules; the bases take turns, and each has its mild and its
        extreme ones."""
        each, more = divmod(count, len(self.bases))
        turns = [
            self._starts(base, context, each + (place < more))
            for place, base in enumerate(self.bases)
        ]
        starts = [start for start in chain(*zip_longest(*turns)) if start is not None]
        return covered(starts, self.parameters(context), lambda own: self.decode(own, context))

    def _starts(self, base: Base, context: SpaceContext, count: int) -> Sequence[dict[str, Value]]:
        def encoded(
            interval: int, depth: int, ratio: float, _: SpaceContext
        ) -> dict[str, Value] | None:
            return self.encode_uniform(interval, depth, ratio, context, base)

        return spread(encoded, context.on(base), count) if count else ()

    def _on(self, base: Base, context: SpaceContext) -> Bound:
        return self.bind(context.on(base))

    def _lifted(
        self, found: Mapping[str, Value], base: Base, context: SpaceContext
    ) -> dict[str, Value]:
        """Parameters of a base as those of the whole space."""
        lifted: dict[str, Value] = {}
        for each in self.parameters(context):
            if each.name == BASE:
                lifted[BASE] = label_of(base)
            elif each.name in found:
                lifted[each.name] = nearest(each.domain, found[each.name])
            else:
                lifted[each.name] = each.domain.ends[0]
        return lifted


def _joined(first: Domain, second: Domain) -> Domain:
    """The values of either; ranges of one entry differ only in their ends."""
    if isinstance(first, IntRange) and isinstance(second, IntRange):
        low, high = min(first.low, second.low), max(first.high, second.high)
        return replace(first, low=low, high=low + (high - low) // first.step * first.step)
    if isinstance(first, Choice):
        return Choice(tuple(dict.fromkeys((*first.values, *second.values))))
    return first
