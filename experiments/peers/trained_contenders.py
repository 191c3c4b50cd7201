"""What runs on pocket-flow in the place of its 28 steps, each with several settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from diffusers import CacheMixin
from torch import Tensor

import dato
from dato import Schedule
from experiments.forecast.world import World
from experiments.peers.contenders import CONTENDERS
from experiments.peers.models import Model
from search.calibration.placement import GapForecast
from search.calibration.prompts import training_workload
from search.model.base_sampler import based
from search.model.generator import Generator
from search.records.base_sampler import Base, Run
from search.tuning.tune import OFFSET, tune

BLOCKS = 7
INTERVALS = (4, 5, 7)
COUNTS = (4, 5, 6, 8)
"""Computed calls of planned schedules, and steps of plain runs."""
TUNED = (5, 6)
TRAINING, ITERATIONS = 12, 2
"""Captions and iterations of a tuning, as a sweep's."""
SAMPLERS = {"Euler": "FlowMatchEulerDiscreteScheduler", "UniPC": "UniPCMultistepScheduler"}


@dataclass(frozen=True)
class Contender:
    """A name, a setting such as ``"8 steps"``, and the generator under it, inside a block."""

    name: str
    setting: str
    applied: Callable[[], AbstractContextManager[Generator]]


def contenders(world: World) -> Iterator[Contender]:
    """All of them; tuned ones take minutes, so that each is made when it is its turn."""
    generator, steps = world.generator, world.steps
    for interval in INTERVALS:
        for name in CONTENDERS:
            yield Contender(name, f"interval {interval}", partial(_cached, world, name, interval))
    for count in COUNTS:
        for name, scheduler in SAMPLERS.items():
            plain = partial(based, generator, Base(scheduler, count))
            yield Contender(f"fewer steps, {name}", f"{count} steps", plain)
        for forecast in get_args(GapForecast):
            schedule = world.plans(forecast)[count].schedule(steps)
            name = f"dato, planned, {forecast}"
            yield Contender(name, f"{count} calls", partial(_scheduled, generator, schedule))
    for count in TUNED:
        yield Contender("dato, tuned sampler", f"{count} calls", partial(_tuned, world, count))


@contextmanager
def _scheduled(generator: Generator, schedule: Schedule) -> Iterator[Generator]:
    with dato.applied(generator.pipe, schedule):
        yield generator


@contextmanager
def _cached(world: World, name: str, interval: int) -> Iterator[Generator]:
    """One of the contenders of random models. diffusers' caches are asked for by a class that has
    its mixin, which SD 3's class lacks; both halves are in one batch, so they share a state. What
    a contender calibrates or chooses is chosen on the first image."""
    generator = world.generator
    transformer = generator.pipe.transformer
    plain = type(transformer)
    if name.startswith("diffusers"):
        transformer.__class__ = type(plain.__name__, (plain, CacheMixin), {})
    first = generator.one_image(generator.workload, 0)
    model = Model(generator.pipe, BLOCKS, partial(_run, first), world.steps, interval)
    try:
        with CONTENDERS[name](model):
            yield generator
    finally:
        transformer.__class__ = plain


@contextmanager
def context(transformer: Any) -> Iterator[None]:
    """What diffusers' caches ask for; the end of a pipeline's call ends it."""
    caches = isinstance(transformer, CacheMixin)
    with transformer.cache_context("both halves") if caches else nullcontext():
        yield


def _run(generator: Generator) -> Tensor:
    with context(generator.pipe.transformer):
        return generator.loop(0)


@contextmanager
def _tuned(world: World, count: int) -> Iterator[Generator]:
    """From the planned calls that hold: what a sweep tunes at this guidance scale."""
    generator = world.generator
    start = world.plans("hold")[count].schedule(world.steps)
    workload = training_workload("pocket", 8, 0, TRAINING, OFFSET)
    schedule = tune(generator, Run(start), workload, ITERATIONS).schedule
    with based(generator, Base(SAMPLERS["Euler"], count)) as few, dato.applied(few.pipe, schedule):
        yield few
