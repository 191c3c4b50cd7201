"""Slopes turn lines into weights once the timesteps are known, and nothing but lines of outputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dato
from dato import Kind, Schedule, Slope
from dato.fit import Fit
from dato.runtime.engine import Engine
from dato.runtime.forecast import forecasts, linear_weights
from dato.runtime.fusion import Fusion
from dato.runtime.steps import plan_steps
from dato.topology import Topology
from tests.dato.models import pixart
from tests.dato.runtime.test_forecasts import Ramp, Sampled, of_depths
from tests.dato.runtime.test_runs import sampler
from tests.dato.tiny import generate, generated, random, tiny_pipe
from tests.oracles.caching import cached_by_hooks
from tests.strategies import schedules

TIMESTEPS = [981.0 - 20 * call for call in range(50)]
HEUN = [999.0 - 40 * ((call + 1) // 2) for call in range(50)]


def weights_of(schedule: Schedule, timesteps: list[float]) -> list[tuple[float, ...]]:
    """What each call that is not full reads, without zeros at the end."""
    policy = forecasts(schedule, timesteps)
    calls = [call for call in range(schedule.calls) if schedule.kind(call).depth != "full"]
    return [_trimmed(policy(call, schedule.sources(call))) for call in calls]


def _trimmed(weights: tuple[float, ...]) -> tuple[float, ...]:
    return _trimmed(weights[:-1]) if len(weights) > 1 and weights[-1] == 0 else weights


@given(st.floats(-4, 4), st.integers(2, 12))
def test_weights_are_on_the_way_from_holding_to_the_line(share: float, interval: int) -> None:
    schedule = Schedule.uniform(50, interval, 0, forecast="linear").sloped(Slope(share, share))
    for call in range(interval + 1, 50):
        if computed := schedule.sources(call):
            line = linear_weights(TIMESTEPS, call, computed)
            expected = (1 + share * (line[0] - 1), share * line[1])
            weights = forecasts(schedule, TIMESTEPS)(call, computed)
            assert weights == pytest.approx(expected if share else (1.0,))


@given(schedules(min_calls=4))
def test_a_slope_of_one_gives_the_bits_of_the_line(schedule: Schedule) -> None:
    line = schedule.sloped(Slope())
    for call in range(line.calls):
        if line.kind(call).forecast == "linear":
            computed = line.sources(call)
            expected = linear_weights(TIMESTEPS, call, computed)
            assert forecasts(line, TIMESTEPS)(call, computed) == expected


def test_lines_of_cuts_go_all_the_way() -> None:
    schedule = of_depths("full", "full", 0, 2).sloped(Slope(0.5, 0.5))
    policy = forecasts(schedule, [4.0, 3.0, 2.0, 1.0])
    assert policy(2, (1, 0)) == (1.5, -0.5)
    assert policy(3, (1, 0)) == (3.0, -2.0)


def test_only_the_values_that_a_slope_reads_are_held() -> None:
    depths = of_depths("full", "full", 0)
    times = [3.0, 2.0, 1.0]
    held = [
        plan_steps(each, Topology(1, ()), forecasts(each, times))[1].holds
        for each in (depths.sloped(Slope(1.0, 0.5)), depths.sloped(Slope(1.0, 0.0)))
    ]
    assert held == [{0: 2}, {0: 1}]


def test_a_slope_of_zero_makes_the_images_of_hold(pipe: Any) -> None:
    depths: Any = ("full", "full", 0, 0, "full", 0)
    still = of_depths(*depths).sloped(Slope(0.0, 0.0))
    assert torch.equal(generated(pipe, still), generated(pipe, of_depths(*depths, forecast="hold")))


def test_sloped_forecasts_equal_the_slow_cache() -> None:
    pipe = tiny_pipe()
    schedule = of_depths("full", 0, 2, "full", 2, 0, 0, "full", 1, 2, 0).sloped(Slope(0.4, 1.7))
    count = schedule.calls
    pipe.scheduler.set_timesteps(count)
    times = pipe.scheduler.timesteps.tolist()

    def weigh(call: int, computed: list[int]) -> tuple[float, ...]:
        if len(computed) < 2:
            return (1.0,)
        new, old = computed[:2]
        moved = (times[call] - times[new]) / (times[new] - times[old])
        if schedule.kind(call).depth == 0:
            moved *= 0.4 + 1.3 * call / (count - 1)
        return 1 + moved, -moved

    with cached_by_hooks(pipe.unet, schedule, weigh):
        expected = generate(pipe, steps=count)
    image = generated(pipe, schedule)
    torch.testing.assert_close(image, expected, rtol=1e-5, atol=1e-5)
    straight = generated(pipe, schedule.sloped(Slope()))
    assert not torch.allclose(image, straight, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("early", "late"), [(1.0, 1.0), (0.5, 1.5), (2.0, 2.0)])
def test_on_a_ramp_the_slope_is_the_share_of_the_way_that_is_gone(
    early: float, late: float
) -> None:
    pipe = Sampled(sampler("DDIM"))
    ramp: Any = Ramp(pipe)
    schedule = of_depths("full", "full", *[0] * 6).sloped(Slope(early, late))
    fit = Fit(schedule)
    fusion = Fusion(pipe, fit, fuse=False, adapted=True)
    engine = Engine(pipe, ramp, ramp.forward, Topology(1, ()), fit, fusion)
    pipe.scheduler.set_timesteps(8)
    sample = random(1, 4, 8, 8)
    times = pipe.scheduler.timesteps
    for call, timestep in enumerate(times):
        output = engine.forward(sample, timestep, return_dict=False)[0]
        share = 1.0 if call < 2 else early + (late - early) * call / 7
        reached = times[1] + share * (timestep - times[1]) if call > 1 else timestep
        torch.testing.assert_close(output, ramp.level + ramp.slope * reached, rtol=1e-4, atol=1e-4)


def test_a_sampler_that_renews_its_noise_holds_whatever_the_slope() -> None:
    pipe = tiny_pipe(sampler=sampler("LCM"))
    line = of_depths("full", "full", 0, 0)
    images = [generated(pipe, each) for each in (line, line.sloped(Slope(0.5, 2.0)))]
    assert torch.equal(*images)


def test_slopes_run_compiled() -> None:
    torch.compiler.reset()
    family = pixart()
    kinds = {"full": Kind(), "held": Kind(0, {}, "linear")}
    steps = ("full", "full", "held", "full", "held", "held")
    schedule = Schedule(kinds, steps, slope=Slope(0.3, 1.8))
    with dato.applied(family.pipe, schedule):
        expected = family.generate(len(steps))
        dato.compile(family.pipe, backend="eager", fullgraph=True)
        for _ in range(2):
            assert torch.equal(family.generate(len(steps)), expected)


def test_a_stretched_preset_keeps_its_slope(pipe: Any) -> None:
    schedule = of_depths("full", "full", 0, 0).sloped(Slope(0.3, 1.8))
    dato.apply(pipe, schedule, resample="nearest")
    stretched = generate(pipe, steps=8)
    dato.remove(pipe)
    assert torch.equal(stretched, generated(pipe, schedule.resampled(8)))
    assert schedule.resampled(8).slope == Slope(0.3, 1.8)
