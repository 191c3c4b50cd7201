"""The damage of single calls: what starts were planned from before calibration; kept to compare.

Measured by reference forcing: every call gets the reference's latents. A probe is one run: full at
call 0 and at its start, a cheap call at certain ages, the output repeated (which costs nothing)
everywhere else. As the latents come from the reference, the cache that the start fills is the
reference's own, and no call feels the error of the call before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from dato import Kind, Schedule
from search.model.generator import Generator

Table = NDArray[np.float64]
"""(calls, calls): the damage at call t with a cache of age a; 0 where a exceeds t."""

STARTS = 6
"""Full calls that the depths are probed after; in between, their damage relative to that of
repeating the output is interpolated, which changes slowly over a run."""


@dataclass(frozen=True)
class Sensitivity:
    """Damage of the cheap kinds at single calls, measured once per model and sampler.

    The damage of a call is the root mean square by which its sampler step misses the reference's
    latents when it is given the reference's, in standard deviations of the reference's final
    latents. The age counts calls since the full call that filled the cache; at depth 0 it counts
    since the call whose output is repeated.

    Args:
        damage: by depth, 0 among them.
    """

    damage: Mapping[int, Table]

    @property
    def calls(self) -> int:
        """Calls of the run that was measured."""
        return len(self.damage[0])

    def per_call(self, schedule: Schedule) -> tuple[float, ...]:
        """Predicted damage of each call of a schedule.

        A repeated output carries the damage of the call that made it. Pruning counts nothing, and
        a depth that was not measured counts as the next shallower one that was.
        """
        found: list[float] = []
        full = source = 0
        made = 0.0
        for call in range(schedule.calls):
            depth = schedule.kind(call).depth
            if depth == 0:
                found.append(float(self.damage[0][call, call - source]) + made)
                continue
            source, made = call, 0.0
            if depth == "full":
                full = call
            else:
                known = max(own for own in self.damage if own <= depth)
                made = float(self.damage[known][call, call - full])
            found.append(made)
        return tuple(found)

    def total(self, schedule: Schedule) -> float:
        """Sum over calls. Errors of one run lean the same way, so they add, not their squares."""
        return sum(self.per_call(schedule))


@dataclass(frozen=True)
class Probe:
    """One run: what ``depth`` does at each of ``ages`` calls after a full call at ``start``."""

    depth: int
    start: int
    ages: tuple[int, ...]

    def schedule(self, calls: int) -> Schedule:
        """The probe as a schedule of ``calls`` calls."""
        steps = ["reuse"] * calls
        steps[0] = steps[self.start] = "full"
        for age in self.ages if self.depth else ():
            steps[self.start + age] = "probed"
        kinds = {"full": Kind(), "reuse": Kind(0), "probed": Kind(self.depth)}
        return Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, tuple(steps))


def probes(calls: int, depths: Sequence[int], starts: int = STARTS) -> Iterator[Probe]:
    """Depth 0 after every call and at every age, the others at some."""
    for start in range(calls - 1):
        yield Probe(0, start, tuple(range(1, calls - start)))
    count = min(starts, calls - 1)
    some = sorted({round(place * (calls - 2) / max(count - 1, 1)) for place in range(count)})
    for depth in depths:
        for start in some:
            last = calls - 1 - start
            powers = [2**power for power in range(last.bit_length()) if 2**power < last]
            yield Probe(depth, start, (*powers, last))


def measure_sensitivity(generator: Generator, depths: Sequence[int], chunk: int = 0) -> Sensitivity:
    """Damage of depth 0 and of ``depths`` on one chunk of images."""
    calls = generator.calls
    reference = generator.trajectory(chunk, None)
    scale = float(reference[-1].std())
    found: dict[Probe, list[float]] = {}
    for probe in probes(calls, depths):
        schedule = probe.schedule(calls)
        missed = generator.trajectory(chunk, schedule, reference=reference) - reference
        errors = missed.flatten(1).double().square().mean(1).sqrt() / scale
        found[probe] = [float(errors[probe.start + age]) for age in probe.ages]
    return Sensitivity(_tables(found, calls))


def kept_sensitivity(path: Path, generator: Generator, depths: Sequence[int]) -> Sensitivity:
    """The sensitivity in a safetensors file, measured unless it is there."""
    if not path.is_file():
        damage = measure_sensitivity(generator, depths).damage
        save_file({str(depth): table for depth, table in damage.items()}, path)
    return Sensitivity({int(depth): table for depth, table in load_file(path).items()})


def _tables(found: dict[Probe, list[float]], calls: int) -> dict[int, Table]:
    reuse = np.zeros((calls, calls))
    ratios: dict[int, dict[int, Table]] = {}
    for probe, errors in found.items():
        ages = np.asarray(probe.ages)
        if probe.depth == 0:
            reuse[probe.start + ages, ages] = errors
            continue
        beside = np.maximum(reuse[probe.start + ages, ages], 1e-12)
        row = np.interp(np.log(np.arange(1, calls)), np.log(ages), np.asarray(errors) / beside)
        ratios.setdefault(probe.depth, {})[probe.start] = row
    return {0: reuse} | {depth: reuse * _filled(rows, calls) for depth, rows in ratios.items()}


def _filled(rows: dict[int, Table], calls: int) -> Table:
    """Ratio at every call and age, from rows by start: linear between neighbouring starts."""
    starts = sorted(rows)
    filled = np.ones((calls, calls))
    for call in range(1, calls):
        for age in range(1, call + 1):
            start = call - age
            values = [rows[own][age - 1] for own in starts]
            filled[call, age] = np.interp(start, starts, values)
    return filled
