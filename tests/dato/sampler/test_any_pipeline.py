"""A schedule of full and skipped calls runs on pipelines whose denoiser the engine does not know.

Oracle: the plain loop over all timesteps, in which the denoiser of skipped calls returns what is
written by hand here.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import dato
from dato import Kind, Schedule
from dato.errors import MismatchError, SettingWarning, UnsupportedError
from dato.preset import ModelInfo, Preset, SamplerInfo
from dato.runtime.forecast import linear_weights
from dato.schedule import Forecast
from tests.dato.sampler.other_models import OTHERS, Other

STEPS = 10
COMPUTED = (0, 1, 4, 8)


def schedule(forecast: Forecast) -> Schedule:
    kinds = {"full": Kind(), "skipped": Kind(0, forecast=forecast)}
    steps = tuple("full" if call in COMPUTED else "skipped" for call in range(STEPS))
    return Schedule(kinds, steps, quantity="output")


class ByHand:
    """A denoiser's forward that computes at some calls and else sums what it computed last.

    Args:
        other: the pipeline.
        forecast: ``"hold"`` or ``"linear"``.
    """

    def __init__(self, other: Other, forecast: Forecast) -> None:
        self._other, self._forecast = other, forecast
        self._own = other.denoiser.forward
        self._forwards = 0
        self._computed: list[dict[int, Any]] = [{} for _ in range(other.forwards)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call, branch = divmod(self._forwards, self._other.forwards)
        self._forwards += 1
        computed = self._computed[branch]
        if call in COMPUTED:
            computed[call] = self._own(*args, **kwargs)
            return computed[call]
        newest = sorted(computed, reverse=True)
        weights = self._weights(call, newest)
        return _summed([computed[each] for each in newest[: len(weights)]], weights)

    def _weights(self, call: int, newest: list[int]) -> tuple[float, ...]:
        if self._forecast == "hold":
            return (1.0,)
        return linear_weights(self._other.pipe.scheduler.timesteps.tolist(), call, newest)


def _summed(values: list[Any], weights: tuple[float, ...]) -> Any:
    """The weighted sum of what forwards returned: tensors, in tuples or lists."""
    if isinstance(values[0], Tensor):
        return sum(weight * value for weight, value in zip(weights, values, strict=True))
    parts = zip(*values, strict=True)
    return type(values[0])([_summed(list(part), weights) for part in parts])


def by_hand(other: Other, forecast: Forecast, **options: Any) -> Tensor:
    other.denoiser.forward = ByHand(other, forecast)
    try:
        return other.generate(STEPS, **options)
    finally:
        del other.denoiser.forward


def count(other: Other) -> list[int]:
    """The forwards of the denoiser from now on, in a list of one."""
    forwards = [0]

    def counted(*_: Any) -> None:
        forwards[0] += 1

    other.denoiser.register_forward_pre_hook(counted)
    return forwards


def close(result: Tensor, expected: Tensor) -> None:
    bound = 5e-5 * float(expected.abs().max())
    torch.testing.assert_close(result, expected, rtol=0, atol=bound)


@pytest.mark.filterwarnings("ignore:In CPU autocast", "ignore:`FluxPosEmbed` is deprecated")
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("forecast", ["hold", "linear"])
def test_fused_equals_the_plain_loop_with_outputs_put_in_by_hand(
    name: str, forecast: Forecast
) -> None:
    other = OTHERS[name]()
    if forecast == "linear" and not other.linear:
        pytest.skip("its guidance is not linear: what is held is what it makes")
    plain, expected = other.generate(STEPS), by_hand(other, forecast)
    with dato.applied(other.pipe, schedule(forecast)):
        assert dato.explain(other.pipe) == "4 computed calls of 10, fused."
        forwards = count(other)
        result = other.generate(STEPS)
        assert forwards == [len(COMPUTED) * other.forwards]
        close(other.generate(STEPS), result)
    close(result, expected)
    assert float((result - plain).abs().max()) > 1e-3 * float(plain.abs().max())
    close(other.generate(STEPS), plain)


@pytest.mark.parametrize("name", ["sana", "wan", "aura"])
def test_two_images_for_a_prompt_are_what_the_plain_loop_makes(name: str) -> None:
    other = OTHERS["auraflow" if name == "aura" else name]()
    number = {"num_videos_per_prompt" if name == "wan" else "num_images_per_prompt": 2}
    expected = by_hand(other, "linear", **number)
    with dato.applied(other.pipe, schedule("linear")):
        close(other.generate(STEPS, **number), expected)


def test_a_schedule_that_needs_the_inside_is_refused_as_ever() -> None:
    other = OTHERS["sana"]()
    for depth in (Schedule.uniform(STEPS, 2, 1), Schedule.full(STEPS)):
        with pytest.raises(UnsupportedError, match="does not know the denoiser"):
            dato.apply(other.pipe, depth)
    with pytest.raises(UnsupportedError, match="does not know the denoiser"):
        dato.apply(other.pipe, schedule("hold"), fuse=False)


def test_another_guidance_scale_than_the_presets_is_said() -> None:
    other = OTHERS["sana"]()
    scheduler = type(other.pipe.scheduler).__name__
    preset = Preset(
        "sana/found",
        ModelInfo("sana", 1, "", (16, 16)),
        SamplerInfo(scheduler, STEPS, STEPS, guidance_scale=2.0),
        schedule("hold"),
    )
    with (
        dato.applied(other.pipe, preset),
        pytest.warns(SettingWarning, match="guidance_scale=2, and this run has"),
    ):
        other.generate(STEPS)


def test_another_number_of_steps_is_refused_at_the_start_of_a_run() -> None:
    other = OTHERS["sana"]()
    with dato.applied(other.pipe, schedule("hold")):
        with pytest.raises(MismatchError, match=r"10 denoiser calls, but this run makes 8"):
            other.generate(8)
        other.generate(STEPS)


def test_another_scheduler_given_later_is_named() -> None:
    other = OTHERS["sana"]()
    own = other.pipe.scheduler
    with dato.applied(other.pipe, schedule("hold")):
        other.pipe.scheduler = type(own).from_config(own.config)
        with pytest.raises(MismatchError, match="another scheduler than when"):
            other.generate(STEPS)
        dato.apply(other.pipe, schedule("hold"))
        other.generate(STEPS)


def test_a_loop_by_hand_on_the_scheduler_is_refused() -> None:
    other = OTHERS["sana"]()
    with (
        dato.applied(other.pipe, schedule("hold")),
        pytest.raises(UnsupportedError, match=r"cannot be fused.*written by hand"),
    ):
        other.pipe.scheduler.set_timesteps(STEPS)
    other.pipe.scheduler.set_timesteps(STEPS)


def test_a_compiled_denoiser_runs_as_it_is() -> None:
    other = OTHERS["auraflow"]()
    expected = by_hand(other, "linear")
    other.pipe.transformer = torch.compile(other.pipe.transformer, backend="eager")
    with dato.applied(other.pipe, schedule("linear")):
        close(other.generate(STEPS), expected)
