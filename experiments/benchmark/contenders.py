"""The pipelines that are compared: each its own copy of the model, patched once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dato import Schedule, list_presets, load_preset
from experiments.benchmark.rivals import deepcache, tome
from search.model.generator import Generator


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Args:
        name: what a person reads.
        family: ``"unpatched"``, ``"DeepCache"``, ``"tomesd"``, ``"uniform"`` or ``"preset"``.
        generator: the model with its patch in place.
        schedule: run through ``dato.apply``; ``None`` for the others' patches.
    """

    name: str
    family: str
    generator: Generator
    schedule: Schedule | None = None


def contenders(
    make: Callable[[], Generator], intervals: Sequence[int], ratios: Sequence[float]
) -> tuple[Contender, ...]:
    """All contenders; ``make`` gives a fresh, unpatched model."""
    plain = make()
    calls = plain.calls
    rows = [Contender("unpatched", "unpatched", plain)]
    for interval in intervals:
        rows.append(_deepcache(make(), interval))
        rows.append(
            Contender(
                f"dato, every {interval} calls, depth 1",
                "uniform",
                plain,
                Schedule.uniform(calls, interval, 1),
            )
        )
    for ratio in ratios:
        rows.append(_tomesd(make(), ratio))
        rows.append(
            Contender(
                f"dato, prune {ratio} on level 0",
                "uniform",
                plain,
                Schedule.uniform(calls, 1, prune={"level_0": ratio}),
            )
        )
    presets = (
        Contender(name, "preset", plain, load_preset(name).schedule)
        for name in list_presets(model="pocket")
    )
    return (*rows, *presets)


def _deepcache(generator: Generator, interval: int) -> Contender:
    deepcache(generator.pipe, interval)
    return Contender(f"DeepCache, interval {interval}, branch 0", "DeepCache", generator)


def _tomesd(generator: Generator, ratio: float) -> Contender:
    tome(generator.pipe, ratio)
    return Contender(f"tomesd, ratio {ratio}", "tomesd", generator)
