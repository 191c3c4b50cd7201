"""Proposals that are new: a sampler's own, or small changes of the front's members."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from search.pareto import non_dominated
from search.records.base_sampler import Run
from search.space import Parameter, Space, SpaceContext
from search.space.distributions import distribution_of
from search.space.domains import Value
from search.study.mutate import mutated
from search.study.trial_records import ORIGIN

ENOUGH = 8
"""Complete trials before the front's members are worth changing."""

DRAWS, CHANGES = 4, 64
"""Attempts at a new proposal: by the sampler, then by changing one that is known."""

Params = dict[str, Value]


class Refiner(BaseSampler):
    """Wraps a sampler so that no schedule is proposed twice and the front is refined.

    Every proposal comes back as parameters of the space, so that Optuna's storage stays the truth.
    A schedule is proposed again only where the space seems to hold no new one.

    Args:
        base: proposes; redrawn where it repeats itself.
        space: decodes proposals; ``context``: for which run.
        share: of the proposals, after :data:`ENOUGH` complete trials, that change a front member
            (exchange the kinds of two calls, change one call's, shift a ratio) instead.
        seed: of the changes.
    """

    def __init__(
        self, base: BaseSampler, space: Space, context: SpaceContext, share: float, seed: int
    ) -> None:
        self._base, self._space, self._context = base, space, context
        self._share = share
        self._random = random.Random(seed)
        self._parameters: Sequence[Parameter] = space.parameters(context)
        self._distributions = {each.name: distribution_of(each) for each in self._parameters}
        self._runs: dict[int, Run] = {}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All parameters: a proposal is judged as a whole."""
        return self._distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """All parameters of a new proposal."""
        known = self._known(study)
        members = self._front(study)
        if members and self._random.random() < self._share:
            params = self._changed(members, known)
            if params is not None:
                study._storage.set_trial_user_attr(trial._trial_id, ORIGIN, "refine")
                trial.user_attrs[ORIGIN] = "refine"
                return params
        drawn: Params = {}
        for _ in range(DRAWS):
            drawn = self._draw(study, trial)
            if self._space.run(drawn, self._context) not in known:
                return drawn
        return self._changed([drawn, *members], known) or drawn

    def sample_independent(
        self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        """The base's: only for parameters outside the space."""
        return self._base.sample_independent(study, trial, name, distribution)

    def reseed_rng(self) -> None:
        self._base.reseed_rng()
        self._random = random.Random()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._base.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._base.after_trial(study, trial, state, values)

    def _draw(self, study: Study, trial: FrozenTrial) -> Params:
        """One whole proposal of the base, cleaned as a trial's suggestions are."""
        relative = self._base.infer_relative_search_space(study, trial)
        proposed = self._base.sample_relative(study, trial, relative)
        values: Params = {}
        for parameter in self._parameters:
            name, distribution = parameter.name, self._distributions[parameter.name]
            if name not in proposed:
                proposed[name] = self._base.sample_independent(study, trial, name, distribution)
            values[name] = parameter.domain.clean(proposed[name])
        return values

    def _known(self, study: Study) -> set[Run]:
        """Schedules, with their bases, of all trials that have parameters, running ones too."""
        for trial in study.get_trials(deepcopy=False):
            whole = self._distributions.keys() <= trial.params.keys()
            if trial.number not in self._runs and whole:
                self._runs[trial.number] = self._space.run(
                    self._cleaned(trial.params), self._context
                )
        return set(self._runs.values())

    def _front(self, study: Study) -> list[Params]:
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < ENOUGH:
            return []
        points = [(trial.values[0], trial.values[1]) for trial in complete]
        return [self._cleaned(complete[index].params) for index in non_dominated(points)]

    def _cleaned(self, params: Mapping[str, Any]) -> Params:
        return {each.name: each.domain.clean(params[each.name]) for each in self._parameters}

    def _changed(self, sources: Sequence[Params], known: set[Run]) -> Params | None:
        """A change of one of ``sources`` that decodes to something new, if one is found."""
        for _ in range(CHANGES):
            params = mutated(self._random.choice(sources), self._parameters, self._random)
            if self._space.run(params, self._context) not in known:
                return params
        return None
