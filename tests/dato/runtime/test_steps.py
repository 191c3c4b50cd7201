"""Caching computes what a cache of every module's output would, and holds far less."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import dato
from dato.runtime.forecast import forecasts
from dato.runtime.steps import held_values, plan_steps
from dato.schedule import Depth, Forecast, Kind, Schedule, refreshes
from tests.dato.tiny import PRUNE, generate, generated, tiny_pipe
from tests.oracles.caching import cached_by_hooks, places

PIPE = tiny_pipe()
TOPOLOGY = dato.topology(PIPE)

depths: st.SearchStrategy[Depth] = st.one_of(st.just("full"), st.integers(0, 12))


def of_depths(*chosen: Depth) -> Schedule:
    """A schedule with these depths and no pruning."""
    return Schedule({f"d{depth}": Kind(depth) for depth in chosen}, tuple(f"d{d}" for d in chosen))


@settings(max_examples=6)
@given(st.lists(depths, min_size=1, max_size=5), st.sampled_from([(16, 16), (9, 13)]))
def test_images_equal_those_of_the_slow_cache(rest: list[Depth], size: tuple[int, int]) -> None:
    schedule = of_depths("full", *rest)
    with cached_by_hooks(PIPE.unet, schedule):
        expected = generate(PIPE, steps=schedule.calls, size=size)
    torch.testing.assert_close(generated(PIPE, schedule, size=size), expected, rtol=0, atol=0)


@pytest.mark.parametrize("depth", [0, 1, 3, 4, 12, "full"])
def test_an_image_is_exact_only_when_everything_is_recomputed(depth: Depth) -> None:
    image = generated(PIPE, of_depths("full", depth, depth))
    assert torch.isfinite(image).all()
    assert torch.equal(image, generate(PIPE, steps=3)) == (depth == "full")


@given(st.lists(depths, max_size=12), st.integers(1, 3))
def test_a_value_is_held_exactly_while_a_coming_call_reads_it(rest: list[Depth], most: int) -> None:
    schedule = of_depths("full", *rest)
    chosen = [schedule.kind(call).depth for call in range(schedule.calls)]
    counts = [min(most, len(schedule.sources(call))) for call in range(schedule.calls)]
    for call, held in enumerate(held_values(schedule, counts)):
        for cut in range(13):
            computed = [t for t in range(call + 1) if refreshes(chosen[t], cut)]
            needed = {
                source
                for later in range(call + 1, len(chosen))
                if chosen[later] == cut
                for source in [t for t in range(later) if refreshes(chosen[t], cut)][-most:]
                if source <= call
            }
            # Held values are the newest ones, so their number says which.
            assert needed == set(computed[len(computed) - held.get(cut, 0) :])


@pytest.mark.parametrize(("forecast", "expected"), [("hold", 1), ("linear", 2)])
def test_a_forecast_holds_as_many_values_as_it_reads(forecast: Forecast, expected: int) -> None:
    schedule = Schedule.uniform(12, 4, 0, forecast=forecast)
    times = [float(12 - call) for call in range(12)]
    steps = plan_steps(schedule, TOPOLOGY, forecasts(schedule, times))
    assert max(step.holds.get(0, 0) for step in steps) == expected
    assert not steps[-1].holds


def test_a_run_holds_the_needed_cuts_and_drops_them_at_its_end(pipe: Any) -> None:
    schedule = of_depths("full", 1, 3, 1, "full", 2, 0)
    expected = [{1, 3}, {3}, {1}, set(), {2}, {0}, set()]
    seen: list[set[int]] = []

    def look(_pipe: Any, _step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        seen.append(set(run().memory.values))
        return values

    def run() -> Any:
        return vars(pipe.unet)["_dato_patch"].engine.run

    with dato.applied(pipe, schedule, fuse=False):
        generate(pipe, steps=7, callback_on_step_end=look)
        assert seen == expected
        assert run().memory.values == {}
    seen.clear()
    with dato.applied(pipe, schedule):
        generate(pipe, steps=7, callback_on_step_end=look)
        # A fused run's sampler has the output that the last call reads.
        assert seen == [*expected[:5], set()]


def test_a_run_with_pruning_ends_without_tensors(pipe: Any) -> None:
    with dato.applied(pipe, Schedule.uniform(6, 3, 1, PRUNE)):
        generate(pipe)
        run = vars(pipe.unet)["_dato_patch"].engine.run
        held = [value for value in vars(run).values() if isinstance(value, torch.Tensor)]
        assert held == []
        assert run.dynamics.map is None
        assert run.epsilon is None
        assert not run.pruner._plans


def test_a_call_runs_the_modules_outside_its_cut_once_and_no_other(pipe: Any) -> None:
    ran: list[list[int]] = []
    pipe.unet.register_forward_pre_hook(lambda *_: ran.append([]))
    every = list(places(pipe.unet))
    for module, branch in every:
        module.register_forward_hook(lambda *_, branch=branch: ran[-1].append(branch))
    with dato.applied(pipe, of_depths("full", *range(12, -1, -1)), fuse=False):
        generate(pipe, steps=14)
    for depth, branches in zip([13, *range(12, -1, -1)], ran, strict=True):
        assert sorted(branches) == sorted(branch for _, branch in every if branch < depth)


def test_depth_zero_hands_back_the_previous_output(pipe: Any) -> None:
    outputs = []
    with dato.applied(pipe, of_depths("full", 0, 0, 1), fuse=False):
        hook = pipe.unet.register_forward_hook(lambda *values: outputs.append(values[2][0]))
        generate(pipe, steps=4)
        hook.remove()
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])
    assert not torch.equal(outputs[0], outputs[3])


def planned(schedule: Schedule) -> Any:
    return plan_steps(schedule, TOPOLOGY, forecasts(schedule, [0.0] * schedule.calls))


def test_dynamics_are_followed_only_up_to_the_last_pruned_call() -> None:
    steps = planned(Schedule.uniform(4, 2, 1, {"level_0": 0.5}))
    assert [step.track for step in steps] == [True, True, True, False]
    still = planned(Schedule.uniform(4, 2, 1))
    assert not any(step.track for step in still)
