"""The timesteps that a study gives samplers: its calibration's, or those of a publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from search.calibration.planned_timesteps import forecast_in_steps, planned_timesteps
from search.errors import ConfigError, TrialError
from search.model.ays import ays_timesteps
from search.model.base_sampler import measured_on, that_takes_timesteps
from search.model.generator import Generator
from search.preparation.bench import Bench
from search.preparation.calibration import study_calibration
from search.records.base_sampler import Base
from search.records.timesteps import OWN_TIMESTEPS, Source, Timesteps
from search.space.base_entries import OTHERWISE


def timesteps_of(
    bench: Bench, source: Source, counts: Sequence[int], scheduler: str
) -> dict[int, tuple[float, ...]]:
    """Given timesteps by numbers of steps, without those that have none.

    Args:
        scheduler: the class of the sampler that takes them.

    Raises:
        UserError: the model cannot be calibrated.
    """
    if source == "planned":
        forecast = forecast_in_steps(scheduler)
        return planned_timesteps(study_calibration(bench), counts, forecast)
    return bench.pool.measure(partial(_ays, counts=tuple(counts)))


def _ays(generator: Generator, counts: Sequence[int]) -> dict[int, tuple[float, ...]]:
    """On a worker."""
    known = {count: ays_timesteps(generator.pipe, count) for count in counts}
    return {count: timesteps for count, timesteps in known.items() if timesteps}


def with_timesteps(bench: Bench) -> Bench:
    """The bench whose space knows the timesteps of its bases.

    Raises:
        ConfigError: with every base that has none on this model.
        UserError: the model cannot be calibrated.
    """
    given = [each for each in bench.space.bases if each and each.timesteps != OWN_TIMESTEPS]
    if not given:
        return bench
    problems, bases = list[str](), list[Base | None]()
    for base in bench.space.bases:
        if base not in given or base is None:
            bases.append(base)
            continue
        source = base.timesteps.source
        values = timesteps_of(bench, source, (base.steps,), base.scheduler).get(base.steps)
        if values is None:
            problems.append(
                f"base: there are no {source} timesteps of {base.steps} steps. {OTHERWISE}"
            )
            continue
        wanted = replace(base, timesteps=Timesteps(source, values))
        try:
            bases.append(bench.pool.measure(partial(_runnable, base=wanted)))
        except TrialError as error:
            problems.append(f"base: {error}. {OTHERWISE}")
    if problems:
        raise ConfigError(f"The space {bench.space.name!r} does not fit this model", problems)
    return replace(bench, space=bench.space.with_bases(bases))


def _runnable(generator: Generator, base: Base) -> Base:
    """On a worker."""
    base = that_takes_timesteps(generator, base)
    return measured_on(generator, base, lambda _: base)
