"""Meets a parsed space with a model: which dimensions exist, under which names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dato import Topology
from search.space.context import SpaceContext
from search.space.dimensions import dimensions, used
from search.space.domains import Choice, Domain, Value, contains
from search.space.language import FORECAST, SLOPE, SpaceSpec
from search.space.parameters import Parameter
from search.space.problems import Problems
from search.space.prune_entries import PruneEntry, resolve


@dataclass(frozen=True)
class Bound:
    """A space for one model and run.

    Args:
        spec: the space. context: the model and run.
        parameters: dimensions that change something, in a fixed order.
        constants: values by name of everything else.
        pruned: for each group of calls, where each layer's ratio comes from, by layer name.
    """

    spec: SpaceSpec
    context: SpaceContext
    parameters: tuple[Parameter, ...]
    constants: Mapping[str, Value]
    pruned: Mapping[str, Mapping[str, PruneEntry]]

    def domain(self, name: str) -> Domain:
        """Values that ``name`` can take; a constant takes one."""
        for own in self.parameters:
            if own.name == name:
                return own.domain
        return Choice((self.constants[name],))

    def complete(self, params: Mapping[str, object]) -> dict[str, Value]:
        """Values of every name, from checked and rounded ``params`` and the constants.

        Raises:
            ConfigError: a parameter is missing, unknown or outside its domain.
        """
        problems, values = Problems(), dict(self.constants)
        for own in self.parameters:
            value = params.get(own.name)
            if value is None:
                problems.add(own.name, "A parameter is missing.", "Give it a value.")
            elif isinstance(value, int | float | str) and contains(own.domain, value):
                values[own.name] = own.domain.clean(value)
            else:
                rule = f"A value is one of {own.domain}."
                problems.add(own.name, rule, "Was the space changed since?", value)
        for name in params.keys() - {own.name for own in self.parameters}:
            problems.add(name, "No such parameter.", "Was the space changed since?", params[name])
        problems.raise_if_any(f"parameters of space {self.spec.name!r}")
        return values


def bind(spec: SpaceSpec, context: SpaceContext) -> Bound:
    """The dimensions of ``spec`` for ``context``.

    Raises:
        ConfigError: with every depth, level and layer that the model does not have, and every
            measurement that the space needs and the context lacks.
    """
    problems = Problems()
    pruned = meet(spec, context.topology, problems)
    _check(spec, context, problems)
    problems.raise_if_any(f"space {spec.name!r} for this model")
    live: dict[str, Domain] = {}
    forecasts = any(name.startswith("forecast.") for name, _ in spec.entries)
    constants: dict[str, Value] = {"refresh.bias": 1.0, "cached.reuse": 0.0}
    constants |= {f"forecast.{name}": "hold" for name in FORECAST}
    constants |= {f"forecast.slope.{end}": 1.0 for end in SLOPE}
    constants["forecast.quantity"] = "epsilon" if forecasts else "output"
    for name, domain, matters in dimensions(spec, context, pruned):
        if matters and len(domain.values) > 1:
            live[name] = domain
        else:
            constants[name] = domain.values[0]
    for name in live:
        constants.pop(name, None)
    parameters = tuple(Parameter(name, domain) for name, domain in live.items())
    return Bound(spec, context, parameters, MappingProxyType(constants), MappingProxyType(pruned))


def meet(
    spec: SpaceSpec, topology: Topology, problems: Problems
) -> dict[str, dict[str, PruneEntry]]:
    """Where each layer's ratio comes from, by group of calls.

    Args:
        problems: collects every depth, level and layer that the denoiser does not have.
    """
    branches = topology.skip_branches
    for name, entry in spec.entries:
        depths = [value for value in entry.domain.ends if isinstance(value, int)]
        if name.endswith(".depth") and depths and max(depths) > branches:
            rule = f"This denoiser has {branches} skip branches; a depth cannot exceed them."
            problems.add(name, rule, f"Stop at {branches}.", max(depths))
    return {
        group: resolve(base, dict(entries), topology, problems)
        for group, base, entries in spec.prune
    }


def _check(spec: SpaceSpec, context: SpaceContext, problems: Problems) -> None:
    for name, entry in spec.entries:
        fitted = name.startswith("forecast.") and contains(entry.domain, "fitted")
        if fitted and context.weights is None and context.calls > 1 and used(spec, name):
            rule = "A fitted forecast takes its weights from a calibration, and this run has none."
            problems.add(name, rule, "Calibrate, or write hold or linear.", "fitted")
    if spec.rule == "drift" and context.calls > 1 and not any(context.drift):
        rule = "The drift rule needs the drift of a reference run; all of it is 0."
        problems.add("refresh.rule", rule, "Record the reference run, or use rule interval.")
