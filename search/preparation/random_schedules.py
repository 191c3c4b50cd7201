"""Random schedules of a space, on which a cost table is checked."""

from __future__ import annotations

import optuna

from dato import Schedule
from search.space import Space, SpaceContext

optuna.logging.set_verbosity(optuna.logging.WARNING)


def random_schedules(
    space: Space, context: SpaceContext, count: int, seed: int
) -> tuple[Schedule, ...]:
    """``count`` schedules drawn uniformly from the space's parameters, on the study's own sampler:
    what a call costs does not depend on the base."""
    space = space.on_own_sampler()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return tuple(space.decode(space.suggest(study.ask(), context), context) for _ in range(count))
