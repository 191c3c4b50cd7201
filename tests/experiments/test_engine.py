"""The engine benchmark measures what its tables say."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
import torch

import dato
from experiments.engine import calls, memory, suites
from experiments.engine.architectures import ARCHITECTURES
from experiments.engine.arithmetic import flops, implied
from experiments.engine.benchmark import _row
from experiments.engine.contenders import CONTENDERS, Contender, interval, ninefold, strategy
from experiments.engine.loops import race
from experiments.engine.pipelines import SharedUNet
from experiments.engine.render import page
from experiments.engine.schedules import nine, published


@pytest.fixture(scope="module")
def shared() -> SharedUNet:
    return SharedUNet.of("tiny", 2, 16, "cpu", torch.float32)


def test_the_published_schedule_has_a_full_call_where_the_paper_refreshes() -> None:
    schedule = published(51, 0)
    full = [call for call, step in enumerate(schedule.steps) if step == "full"]
    assert full == [0, 7, 17, 22, 30, 41]
    assert schedule.steps.count("reuse") == 7
    assert published(50, 0).steps == schedule.steps[:50]


def test_the_ninefold_schedule_has_three_full_calls() -> None:
    steps = nine(50, 0).steps
    assert steps.count("full") == 3
    assert len(steps) == 50
    assert ("reuse", "reuse") not in pairwise(steps)


def test_the_arithmetic_is_that_of_the_published_architecture() -> None:
    assert implied("sd15", 64, 50, interval) == pytest.approx(3.80, abs=0.01)
    assert implied("sd15", 64, 50, strategy) > 6
    assert implied("sd15", 64, 50, ninefold) > 9


def test_arithmetic_counted_once_for_each_kind_is_that_of_every_call(shared: SharedUNet) -> None:
    schedule = nine(9, 0)
    parts = [flops(shared, dato.Schedule.full(1)), flops(shared, dato.Schedule.uniform(2, 2, 1))]
    plain = dato.Schedule.uniform(9, 3, 1)
    assert flops(shared, plain) == 3 * parts[0] + 6 * (parts[1] - parts[0])
    assert flops(shared, schedule) < flops(shared, plain)


def test_every_pipeline_has_modules_of_its_own_around_the_same_weights(shared: SharedUNet) -> None:
    one, two = shared.pipe(), shared.pipe()
    dato.apply(one, dato.Schedule.full(4))
    assert one.unet.conv_in is not two.unet.conv_in
    assert one.unet.conv_in.weight is two.unet.conv_in.weight
    assert "forward" not in vars(two.unet)


def test_contenders_are_timed_in_rounds_and_failures_have_a_reason(
    shared: SharedUNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("no such denoiser\nand more")

    broken = Contender("broken", "nothing", refuse)
    missing = Contender("missing", "nothing", refuse, needs="no_such_package")
    for key, contender in {"broken": broken, "missing": missing}.items():
        monkeypatch.setitem(CONTENDERS, key, contender)
    cell = suites.Cell("tiny", 16, 2, ("eager", "interval", "broken", "missing"), 1.0, calls=5)
    far = time.monotonic() + 60
    entries = race(shared, cell.contenders, cell.calls, 2, far)
    rows = [_row(entry, entries[0], cell) for entry in entries]
    assert [len(entry.seconds) for entry in entries] == [2, 2, 0, 0]
    assert rows[0]["speedup"] == 1
    assert rows[1]["low"] <= rows[1]["speedup"] <= rows[1]["high"]
    assert rows[1]["implied"] > 1
    assert rows[2]["failure"] == "ValueError: no such denoiser"
    assert rows[3]["failure"] == "no_such_package is not installed"


def test_a_compiler_is_not_started_when_time_is_short(shared: SharedUNet) -> None:
    entries = race(shared, ["eager", "compile"], 2, 5, time.monotonic() + 1)
    assert entries[1].failure == "no time left to compile"
    assert entries[0].seconds


def test_single_calls_are_compared_round_by_round(shared: SharedUNet) -> None:
    assert len(calls.null_overhead(shared, 3)) == 3
    assert len(calls.cached(shared, 4, 3)) == 3
    speedups = calls.pruning(shared, 3)
    assert set(speedups) == set(calls.RATIOS)
    assert all(value > 0 for values in speedups.values() for value in values)


def test_the_units_of_a_full_depth_are_all_but_the_innermost(shared: SharedUNet) -> None:
    assert (
        len(calls._units(shared, 12)) > len(calls._units(shared, 4)) > len(calls._units(shared, 1))
    )


def test_peak_memory_counts_allocations_and_releases() -> None:
    class Event:
        def __init__(self, start: int, size: int, name: str = "[memory]") -> None:
            self.start_ns, self.nbytes, self.name = (lambda: start), (lambda: size), (lambda: name)

    class Nested:
        def __getattr__(self, name: str) -> Any:
            return self

        def events(self) -> list[Event]:
            return [Event(3, -50), Event(1, 100), Event(4, 20), Event(2, 7, "other")]

    assert memory._peak_on_cpu(Nested()) == 100


@pytest.mark.parametrize("suite", suites.SUITES.values(), ids=list(suites.SUITES))
def test_every_suite_names_what_exists(suite: suites.Suite) -> None:
    for cell in suite.cells:
        assert cell.architecture in ARCHITECTURES
        assert set(cell.contenders) <= set(CONTENDERS)
        assert cell.contenders[0] == "eager"
    assert sum(cell.share for cell in suite.cells) == pytest.approx(1)


def test_a_page_shows_every_row() -> None:
    spread = {"median": 1.02, "low": 1.01, "high": 1.03}
    rows = [
        {"name": "dato", "decision": "half", "failure": "", "seconds": [0.5, 0.5], "implied": 2.0}
        | {"seconds_per_image": 0.25, "speedup": 1.9, "low": 1.8, "high": 2.1},
        {"name": "other", "decision": "half", "failure": "not installed"},
    ]
    size = {"architecture": "tiny", "latent": 16, "batch": 2}
    single = {"rounds": 2, "null_overhead": spread, "pruning_speedup": {"0.5": spread}}
    cached = {"cached_over_units": {"1": spread}, "extra_bytes": {"1": 2048}}
    text = page(
        [
            {"device": "a machine", "command": "run", "versions": {"torch": "2"}}
            | {"clocks": {"before": {"MHz": "1"}}, "minutes": 1}
            | {"cells": [size | {"calls": 5, "rows": rows}], "singles": [size | single | cached]}
        ]
    )
    assert "| dato | half | 250 | 1.90 (1.80 to 2.10) | 2.00 |" in text
    assert "| other | half |  | not run: not installed |  |" in text
    assert "2.0 % (1.0 to 3.0)" in text
    assert "| 1 | 2.0 % (1.0 to 3.0) | 2 |" in text
