"""The sampler that a run is made on, when it is not the study's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from dato.preset.fields import Setting
from search.errors import TrialError, UserError
from search.model.generator import Generator
from search.model.given_timesteps import settings_to_take_them, takes_timesteps
from search.model.samplers import set_scheduler
from search.model.scheduler_settings import class_defaults
from search.records.base_sampler import Base
from search.records.timesteps import OWN_TIMESTEPS

T = TypeVar("T")

FAILURES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What schedulers raise for settings or numbers of steps that they were not written for."""


@contextmanager
def based(generator: Generator, base: Base | None) -> Iterator[Generator]:
    """The generator's model and prompts on another sampler, inside the block; ``None`` is its own.

    Raises:
        TrialError: the sampler does not fit the model, or cannot run so many steps. Only whoever
            asked for it is to blame, so a study goes on.
    """
    if base is None:
        yield generator
        return
    other = generator.with_run(
        scheduler=base.scheduler, num_inference_steps=base.steps, timesteps=base.timesteps
    )
    original = generator.pipe.scheduler
    try:
        set_scheduler(generator.pipe, base.scheduler, dict(base.settings))
        _ = other.given  # a sampler that does not take them raises here
        yield other
    except TrialError:
        raise
    except UserError as error:
        reason = f": {error}" if base.settings else ""
        raise TrialError(f"{base.scheduler} does not fit this model{reason}") from error
    except FAILURES as error:
        raise TrialError(
            f"{base.scheduler} does not run {base.steps} steps of this model ({error})"
        ) from error
    finally:
        generator.pipe.scheduler = original


def measured_on(generator: Generator, base: Base | None, work: Callable[[Generator], T]) -> T:
    """What ``work`` returns for the generator's model on another sampler.

    Raises:
        TrialError: the sampler does not fit the model.
    """
    with based(generator, base) as other:
        return work(other)


def settings_on(generator: Generator, base: Base) -> Mapping[str, Setting]:
    """The settings of a base's scheduler that are not the defaults of its class.

    Raises:
        TrialError: the sampler does not fit the model.
    """
    return measured_on(generator, base, lambda other: other.scheduler_settings)


@dataclass(frozen=True)
class Settled:
    """A sampler that a model was found to run.

    Args:
        base: the sampler, with its settings that differ from the model's own.
        calls: of one run.
        settings: all that are not the defaults of its class.
    """

    base: Base
    calls: int
    settings: tuple[tuple[str, Setting], ...]


def settled(generator: Generator, bases: Sequence[Base]) -> tuple[Settled | str, ...]:
    """Each sampler with the settings that it takes over from the model's own, and once more with
    the defaults of its class, where those are others; at given timesteps once, with settings that
    let it take them. Or why the model cannot run it."""
    return tuple(each for base in bases for each in _settled(generator, base))


def _settled(generator: Generator, base: Base) -> Iterator[Settled | str]:
    given = base.timesteps != OWN_TIMESTEPS
    try:
        if given:
            base = that_takes_timesteps(generator, base)
        with based(generator, base) as other:
            defaults = {} if given else class_defaults(other.pipe.scheduler)
            yield Settled(base, other.calls, tuple(other.scheduler_settings.items()))
    except TrialError as error:
        yield str(error)
        return
    if defaults:
        yield from _settled(generator, replace(base, settings=tuple(sorted(defaults.items()))))


def that_takes_timesteps(generator: Generator, base: Base) -> Base:
    """A base at given timesteps, with the settings that it needs for them.

    Raises:
        TrialError: the sampler does not fit the model.
    """
    with based(generator, replace(base, timesteps=OWN_TIMESTEPS)) as other:
        settings = settings_to_take_them(other.pipe.scheduler) | dict(base.settings)
    return replace(base, settings=tuple(sorted(settings.items())))


def takers(generator: Generator, schedulers: Sequence[str]) -> tuple[str, ...]:
    """Those of some samplers that take given timesteps on this model."""
    return tuple(name for name in schedulers if _takes(generator, name))


def _takes(generator: Generator, scheduler: str) -> bool:
    try:
        with based(generator, Base(scheduler, generator.model.num_inference_steps)) as other:
            return takes_timesteps(other.pipe)
    except TrialError:
        return False


def calls_on(generator: Generator, bases: Sequence[Base]) -> tuple[int | str, ...]:
    """How many calls a run of each makes, or why there is none."""
    return tuple(_calls(generator, base) for base in bases)


def _calls(generator: Generator, base: Base) -> int | str:
    try:
        with based(generator, base) as other:
            return other.calls
    except TrialError as error:
        return str(error)
