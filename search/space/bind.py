"""Meets a parsed space with a model: which dimensions exist, under which names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dato import Topology
from search.space.context import SpaceContext
from search.space.dimensions import dimensions, draws_lines, used
from search.space.domains import Choice, Domain, Value, contains
from search.space.language import FORECAST, SLOPE, SpaceSpec
from search.space.parameters import Parameter
from search.space.problems import Problems
from search.space.prune_entries import PruneEntry, resolve
from search.wording import shown

CHANGED = "Undo what was changed in the space since, or start a new study"


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
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter.domain
        return Choice((self.constants[name],))

    def complete(self, params: Mapping[str, object]) -> dict[str, Value]:
        """Values of every name, from checked and rounded ``params`` and the constants.

        Raises:
            ConfigError: a parameter is missing, unknown or outside its domain.
        """
        problems, values = Problems(), dict(self.constants)
        for parameter in self.parameters:
            name, domain = parameter.name, parameter.domain
            value = params.get(name)
            if value is None:
                problems.add(name, "it has no value", f"Give it one of {domain}")
            elif isinstance(value, int | float | str) and contains(domain, value):
                values[name] = domain.clean(value)
            else:
                fault = f"{shown(value)} is not one of {domain}"
                problems.add(name, fault, CHANGED)
        for name in params.keys() - {parameter.name for parameter in self.parameters}:
            problems.add(
                name, f"the space has no such parameter for {shown(params[name])}", CHANGED
            )
        problems.raise_if_any(f"The parameters do not belong to the space {self.spec.name!r}")
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
    problems.raise_if_any(f"The space {spec.name!r} does not fit this model")
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
            fault = f"depth {max(depths)} is too large: this denoiser has {branches} skip branches"
            problems.add(name, fault, f"Stop at {branches}")
    return {
        group: resolve(base, dict(entries), topology, problems)
        for group, base, entries in spec.prune
    }


def _check_slope(spec: SpaceSpec, name: str, problems: Problems) -> None:
    """A slope that is searched and changes nothing is a mistake: trials would differ in nothing."""
    if not used(spec, "forecast.output"):
        fault = "it is searched, and no call forecasts the output, so that it changes nothing"
        problems.add(name, fault, "Let cached.depth be 0 or cached.reuse above 0, or leave it out")
    elif not draws_lines(spec):
        fault = "it is searched, and forecast.output is never linear, so that it changes nothing"
        problems.add(name, fault, "Let forecast.output be linear, or leave it out")


def _check(spec: SpaceSpec, context: SpaceContext, problems: Problems) -> None:
    for name, entry in spec.entries:
        fitted = name.startswith("forecast.") and contains(entry.domain, "fitted")
        if fitted and context.weights is None and context.calls > 1 and used(spec, name):
            fault = "'fitted' needs the weights of a calibration, and this run has none"
            problems.add(name, fault, "Calibrate, or write hold or linear")
    for name, entry in spec.entries:
        if name.startswith("forecast.slope.") and len(entry.domain.values) > 1:
            _check_slope(spec, name, problems)
    if spec.rule == "drift" and context.calls > 1 and not any(context.drift):
        fault = "'drift' needs the drift of a reference run, and all of it is 0"
        problems.add("refresh.rule", fault, "Record the reference run, or use rule interval")
