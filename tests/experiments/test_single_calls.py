"""Damage of single calls: against runs that differ from the reference in one call only."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dato import Kind, Schedule
from experiments.forecast.single_calls import (
    Sensitivity,
    kept_sensitivity,
    measure_sensitivity,
    probes,
)
from search.model.generator import Generator
from tests.search.model.tiny import STEPS
from tests.search.tiny_generator import generator as generator
from tests.search.tiny_generator import tiny_folder as tiny_folder

DEPTHS = (1, 2)


@pytest.fixture(scope="module")
def measured(generator: Generator) -> Sensitivity:
    return measure_sensitivity(generator, DEPTHS)


@pytest.mark.parametrize("depth", [0, *DEPTHS])
def test_at_age_one_it_is_what_one_cheap_call_does_to_the_latents(
    generator: Generator, measured: Sensitivity, depth: int
) -> None:
    reference = generator.trajectory(0, None)
    for call in range(1, STEPS):
        steps = ["full"] * STEPS
        steps[call] = "cheap"
        schedule = Schedule({"full": Kind(), "cheap": Kind(depth)}, tuple(steps))
        missed = (generator.trajectory(0, schedule) - reference)[call].square().mean().sqrt()
        expected = float(missed / reference[-1].std())
        assert measured.damage[depth][call, 1] == pytest.approx(expected, rel=1e-4)


def test_a_call_in_the_teacher_s_hands_does_not_feel_the_calls_before(
    generator: Generator,
) -> None:
    reference = generator.trajectory(0, None)
    own = generator.trajectory(0, Schedule.uniform(STEPS, 3, 1))
    taught = generator.trajectory(0, Schedule.uniform(STEPS, 3, 1), reference=reference)
    assert torch.equal(own[1], taught[1])
    assert not torch.equal(own[3], reference[3])
    assert torch.equal(taught[3], reference[3])


def test_older_caches_and_shallower_calls_do_more_damage(measured: Sensitivity) -> None:
    last = STEPS - 1
    assert measured.damage[0][last, 1] < measured.damage[0][last, last]
    assert np.mean(measured.damage[2][last, 1:]) < np.mean(measured.damage[0][last, 1:])


def test_a_schedule_s_damage_is_that_of_its_calls(measured: Sensitivity) -> None:
    kinds = {"full": Kind(), "deep": Kind(2), "reuse": Kind(0), "full-p": Kind("full", {"l": 0.5})}
    schedule = Schedule(kinds, ("full", "deep", "reuse", "reuse", "full-p", "deep"))
    damage = measured.damage
    made = damage[2][1, 1]
    expected = [0, made, made + damage[0][2, 1], made + damage[0][3, 2], 0, damage[2][5, 1]]
    assert measured.per_call(schedule) == pytest.approx(expected)
    assert measured.total(schedule) == pytest.approx(sum(expected))
    assert measured.total(Schedule.full(STEPS)) == 0
    assert measured.total(Schedule.uniform(STEPS, 2, 5)) == measured.total(
        Schedule.uniform(STEPS, 2, 2)
    )


def test_it_is_measured_once(generator: Generator, measured: Sensitivity, tmp_path: Path) -> None:
    path = tmp_path / "sensitivity.safetensors"
    first = kept_sensitivity(path, generator, DEPTHS)
    written = path.stat().st_mtime_ns
    again = kept_sensitivity(path, generator, DEPTHS)
    assert path.stat().st_mtime_ns == written
    for depth, table in measured.damage.items():
        assert (again.damage[depth] == table).all()
        assert (first.damage[depth] == table).all()


def test_probes_of_other_depths_are_few(generator: Generator) -> None:
    found = SimpleNamespace(reuse=0, others=0)
    for probe in probes(50, DEPTHS):
        probe.schedule(50)
        if probe.depth:
            found.others += 1
        else:
            found.reuse += 1
    assert (found.reuse, found.others) == (49, 12)
