"""Which samplers, numbers of steps and timesteps a study's rivals are to have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from search.errors import UserError
from search.model.base_sampler import takers
from search.preparation.given_timesteps import timesteps_of
from search.preparation.instruments import Instruments
from search.records.base_sampler import Base
from search.records.front import FrontMember
from search.records.timesteps import Source, Timesteps
from search.settings.rivals import OWN
from search.study.step_counts import step_counts


def rival_bases(instruments: Instruments, front: Sequence[FrontMember]) -> tuple[Base, ...]:
    """The bases that the settings ask for: those at a scheduler's own timesteps first, fewest steps
    first. Samplers that take no timesteps have no others."""
    config = instruments.config
    speedups = [member.record.speedup for member in front if member.record.speedup]
    counts = config.rivals.steps or step_counts(
        config.model.num_inference_steps, speedups, config.rivals.count
    )
    study = instruments.pool.description.work.scheduler
    names = tuple(dict.fromkeys(study if name == OWN else name for name in config.rivals.samplers))
    bases = tuple(Base(name, steps) for steps in counts for name in names)
    return tuple(
        base
        for source in config.rivals.timesteps
        for base in (bases if source == OWN else _at(instruments, bases, source))
    )


def _at(instruments: Instruments, bases: Sequence[Base], source: Source) -> Iterable[Base]:
    """Those of some bases that take timesteps, at given ones where there are any."""
    names = tuple(dict.fromkeys(base.scheduler for base in bases))
    taking = instruments.pool.measure(partial(takers, schedulers=names)) if names else ()
    taken = [base for base in bases if base.scheduler in taking]
    for name in dict.fromkeys(base.scheduler for base in taken):
        of_name = [base for base in taken if base.scheduler == name]
        known = _timesteps(instruments, source, [base.steps for base in of_name], name)
        for base in of_name:
            if base.steps in known:
                yield replace(base, timesteps=Timesteps(source, known[base.steps]))


def _timesteps(
    instruments: Instruments, source: Source, counts: Sequence[int], scheduler: str
) -> dict[int, tuple[float, ...]]:
    """By numbers of steps; none for a model that cannot be calibrated."""
    try:
        return timesteps_of(instruments, source, counts, scheduler)
    except UserError as error:
        instruments.watcher.stage(f"no rivals at planned timesteps: {error}")
        return {}
