"""A search space: names its dimensions, draws them, and decodes them to schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from dato import Schedule, Topology
from search.records.base_sampler import Base, Run
from search.space.bind import Bound, bind, meet
from search.space.context import SpaceContext
from search.space.decode import decode
from search.space.domains import Trial, Value
from search.space.language import SpaceSpec
from search.space.parameters import Parameter
from search.space.problems import Problems
from search.space.without_adapter import check_skips_only


class Space:
    """A declared space. Its parameters are fixed for a given :class:`SpaceContext`.

    Every method raises :class:`search.errors.ConfigError` where the space does not fit the
    model (an unknown level or layer, a depth beyond its skip branches).
    """

    def __init__(self, spec: SpaceSpec) -> None:
        self.spec = spec
        self._bind = lru_cache(maxsize=32)(lambda context: bind(spec, context))

    @property
    def name(self) -> str:
        """Name of the space."""
        return self.spec.name

    @property
    def bases(self) -> tuple[Base | None, ...]:
        """Base samplers that schedules may run on; ``None`` is the study's own."""
        return (None,)

    def with_bases(self, bases: Sequence[Base | None]) -> Space:
        """The same space with its bases as a model runs them, in the same order."""
        return self

    def on_own_sampler(self) -> Space:
        """The same space on the study's own sampler alone."""
        return self

    def bind(self, context: SpaceContext) -> Bound:
        """The space for one model and run."""
        bound: Bound = self._bind(context)
        return bound

    def on(self, base: Base | None, context: SpaceContext) -> Bound:
        """The space on one of its bases."""
        return self.bind(context.on(base))

    def lifted(
        self, params: Mapping[str, Value], base: Base | None, context: SpaceContext
    ) -> dict[str, Value]:
        """Parameters of the space on a base as those of the whole space."""
        return dict(params)

    def check(self, topology: Topology) -> None:
        """Raise :class:`search.errors.ConfigError` with all that the denoiser does not have.

        A study asks this as soon as its model has loaded, before anything is measured.
        """
        if not topology.skip_branches:
            check_skips_only(self.spec)
        problems = Problems()
        meet(self.spec, topology, problems)
        problems.raise_if_any(f"The space {self.name!r} does not fit this model")

    def parameters(self, context: SpaceContext) -> tuple[Parameter, ...]:
        """The dimensions, each of which can change the decoded schedule, in a fixed order."""
        return self.bind(context).parameters

    def suggest(self, trial: Trial, context: SpaceContext) -> dict[str, Value]:
        """Draw all parameters through the trial's ``suggest_*``, always the same ones."""
        return {each.name: each.suggest(trial) for each in self.parameters(context)}

    def decode(self, params: Mapping[str, object], context: SpaceContext) -> Schedule:
        """The schedule of ``params``.

        Raises:
            ConfigError: a parameter is missing, unknown or outside its domain.
        """
        bound = self.bind(context)
        return decode(bound, bound.complete(params))

    def base(self, params: Mapping[str, object]) -> Base | None:
        """The base sampler of ``params``; ``None`` is the study's own."""
        return None

    def run(self, params: Mapping[str, object], context: SpaceContext) -> Run:
        """The schedule of ``params`` with its base."""
        return Run(self.decode(params, context), self.base(params))
