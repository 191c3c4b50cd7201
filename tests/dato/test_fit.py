"""A preset refuses a pipeline that it was not made for, and stretches when asked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dato
from dato.errors import EmptyScheduleError, MismatchError
from dato.fit import Fit, Resample
from dato.preset import Preset
from dato.schedule import Kind, Schedule
from dato.topology import Topology
from tests.dato.tiny import generate
from tests.strategies import schedules, sd15_topology

GOLDEN = Path(__file__).parent / "golden"
PRESET = Preset.load(GOLDEN / "balanced.json")
TUNED = Preset.load(GOLDEN / "tuned.json")
SD15 = sd15_topology()
SIZE = (32, 32)


class DDIMScheduler:
    """Only the name of a sampler's class is compared."""


class PNDMScheduler:
    """Another sampler."""


def fit(resample: Resample | None = None) -> Fit:
    return Fit.of(PRESET, SD15, resample)


def test_the_run_that_it_was_made_for_gets_the_schedule_as_written() -> None:
    assert fit().schedule_for(DDIMScheduler(), 20) is PRESET.schedule


def test_another_architecture_is_refused() -> None:
    with pytest.raises(
        MismatchError,
        match=r"'pocket/balanced' is for the model '.+', whose denoiser can be cut at 12 depths, "
        r"but this pipeline's at 9\. .*: dato\.list_presets\(\) has",
    ):
        Fit.of(PRESET, Topology(9, SD15.layers), None)


def test_a_layer_that_the_denoiser_lacks_is_refused() -> None:
    with pytest.raises(MismatchError, match=r"up_blocks\.3\.attentions\.2"):
        Fit.of(PRESET, Topology(12, SD15.layers[:-1]), None)


@pytest.mark.parametrize("resample", [None, "nearest"])
def test_another_sampler_is_refused_even_when_stretched(resample: Resample | None) -> None:
    with pytest.raises(MismatchError, match=r"DDIMScheduler, but the pipeline has PNDMScheduler\."):
        fit(resample).schedule_for(PNDMScheduler(), 20)


def test_another_number_of_calls_is_refused_with_a_remedy() -> None:
    with pytest.raises(
        MismatchError, match=r'20 denoiser calls, but this run makes 50\..*"nearest"'
    ):
        fit().schedule_for(DDIMScheduler(), 50)


@pytest.mark.parametrize("resample", [None, "nearest"])
def test_a_tuned_sampler_says_how_many_steps_to_pass(resample: Resample | None) -> None:
    with pytest.raises(MismatchError, match=r"makes 50\. Pass num_inference_steps=4\.$"):
        Fit.of(TUNED, SD15, resample).schedule_for(DDIMScheduler(), 50)


def test_another_resolution_is_refused_with_a_remedy() -> None:
    fit().check_size(SIZE)
    with pytest.raises(
        MismatchError, match=r'\(32, 32\), but this run has \(64, 48\)\..*"nearest"'
    ):
        fit().check_size((64, 48))


def test_a_size_that_the_denoiser_cannot_take_is_not_promised() -> None:
    with pytest.raises(MismatchError, match=r"width; this denoiser takes at most \(48, 48\)\.$"):
        fit().check_size((64, 48), most=48)
    with pytest.raises(MismatchError, match=r'"nearest"'):
        fit().check_size((48, 40), most=48)


def test_on_request_it_stretches_to_other_calls_and_sizes() -> None:
    fit("nearest").check_size((64, 48))
    schedule = fit("nearest").schedule_for(DDIMScheduler(), 50)
    assert schedule.calls == 50


def test_a_schedule_on_its_own_accepts_any_sampler_and_size() -> None:
    plain = Fit.of(PRESET.schedule, SD15, None)
    plain.check_size((96, 96))
    assert plain.schedule_for(PNDMScheduler(), 20) is PRESET.schedule
    with pytest.raises(MismatchError, match="20 denoiser calls"):
        plain.schedule_for(PNDMScheduler(), 21)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(MismatchError, match=r"stretched with resample='linear'.*nearest"):
        Fit.of(PRESET, SD15, "linear")  # type: ignore[arg-type]


@given(schedules())
def test_the_same_number_of_calls_changes_nothing(schedule: Schedule) -> None:
    assert schedule.resampled(schedule.calls) == schedule


@given(schedules(), st.integers(1, 100))
def test_any_number_of_calls_gives_a_valid_schedule(schedule: Schedule, calls: int) -> None:
    stretched = schedule.resampled(calls)
    assert stretched.calls == calls
    assert stretched.tokens == schedule.tokens
    assert stretched.steps[0] == schedule.steps[0]


@given(schedules(), st.integers(1, 100))
def test_each_call_takes_the_kind_at_its_place_in_the_run(schedule: Schedule, calls: int) -> None:
    for call, name in enumerate(schedule.resampled(calls).steps):
        place = call / calls * schedule.calls
        near = [old for old in range(schedule.calls) if abs(old - place) <= 1]
        assert name in {schedule.steps[old] for old in near}


@given(schedules(), st.integers(1, 5))
def test_a_multiple_of_the_calls_repeats_each(schedule: Schedule, times: int) -> None:
    repeated = tuple(name for name in schedule.steps for _ in range(times))
    assert schedule.resampled(schedule.calls * times).steps == repeated


def test_kinds_that_no_call_uses_any_more_leave_the_codebook() -> None:
    schedule = Schedule({"a": Kind(), "b": Kind(1), "c": Kind(2)}, ("a", "b", "c"))
    assert set(schedule.resampled(1).kinds) == {"a"}


def test_a_run_has_at_least_one_call() -> None:
    with pytest.raises(EmptyScheduleError):
        PRESET.schedule.resampled(0)


def test_fitted_weights_stretched_to_another_run_become_lines_and_say_so(pipe: Any) -> None:
    kinds = {"full": Kind(), "held": Kind(0, {}, "fitted")}
    schedule = Schedule(kinds, ("full", "held") * 3, weights={1: (1.0,), 3: (2.0,), 5: (3.0,)})
    line = Schedule({**kinds, "held": Kind(0, {}, "linear")}, ("full", "held") * 3)
    with dato.applied(pipe, line, resample="nearest"):
        expected = generate(pipe, steps=4)
    with (
        dato.applied(pipe, schedule, resample="nearest"),
        pytest.warns(UserWarning, match="forecasts linearly"),
    ):
        assert torch.equal(generate(pipe, steps=4), expected)
