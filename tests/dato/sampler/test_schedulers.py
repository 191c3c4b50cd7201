"""Every deterministic scheduler of diffusers is fused, and equals the schedule run call by call.

Those that cannot be fused are named with the reason that ``dato.explain`` gives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import diffusers
import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import dato
from dato import Kind, Schedule, Slope
from dato.runtime.forecast import forecasts
from dato.runtime.fusion import skipped_calls
from dato.sampler.fused_run import FusedRun
from dato.sampler.probe import NotLinearError
from dato.sampler.traced import traced
from tests.dato.models import FAMILIES, Family, sd3
from tests.dato.sampler.schedulers import (
    DIFFUSION,
    EXACT,
    FLOW,
    MODULAR,
    NOT_LINEAR,
    PLAIN,
    REFUSED,
    UNTRIED,
    calls_of,
    made,
    of_diffusion,
)
from tests.dato.tiny import BETAS, generate, random, small_unet, tiny_pipe

pytestmark = pytest.mark.filterwarnings(
    "ignore:The configuration file", "ignore:__array_wrap__ must accept"
)
STEPS = 12
FITTED = (1.5, -0.7, 0.2)
BENT = Slope(0.6, 1.4)

KINDS = {
    "full": Kind(),
    "pruned": Kind("full"),
    "cut": Kind(2, forecast="linear"),
    "hold": Kind(0),
    "line": Kind(0, forecast="linear"),
    "fitted": Kind(0, forecast="fitted"),
}


def of(steps: Sequence[str], slope: Slope = BENT, prune: str = "level_0") -> Schedule:
    """A schedule of ``KINDS``; fitted calls read up to three values."""
    computed = [call for call, kind in enumerate(steps) if KINDS[kind].depth != 0]
    weights = {
        call: FITTED[: sum(each < call for each in computed)]
        for call, kind in enumerate(steps)
        if kind == "fitted"
    }
    kinds = KINDS | {"pruned": Kind("full", {prune: 0.5})}
    used = {name: kinds[name] for name in dict.fromkeys(steps)}
    return Schedule(used, tuple(steps), weights=weights).sloped(slope)


def placed(calls: int) -> list[str]:
    """A third of the calls is full, close together at first; every forecast in most gaps."""
    full = [call for call in range(calls) if call in (0, 2, 3) or call % 5 == 0]
    skipped = ("hold", "line", "fitted")
    return ["full" if call in full else skipped[call % 3] for call in range(calls)]


def mixed(calls: int) -> list[str]:
    """The same beside cuts, and a pruned full call."""
    steps = placed(calls)
    steps[4], steps[8], steps[10] = "cut", "cut", "pruned"
    return steps


def check_fused(pipe: Any, run: Callable[[], Tensor], schedule: Schedule) -> None:
    """Fused, a schedule makes the same image, and its computed calls are all that is left."""
    with dato.applied(pipe, schedule, fuse=False):
        expected = run()
    with dato.applied(pipe, schedule):
        result = run()
        assert dato.explain(pipe).endswith(f"computed calls of {schedule.calls}, fused.")
    close(result, expected)


def close(result: Tensor, expected: Tensor, bound: float = 3e-5) -> None:
    assert bool(expected.isfinite().all())
    scale = float(expected.abs().max())
    torch.testing.assert_close(result, expected, rtol=0, atol=bound * scale)


@pytest.mark.parametrize("steps", [placed, mixed])
@pytest.mark.parametrize("name", [*DIFFUSION, *PLAIN])
def test_a_fused_run_is_the_run_call_by_call(name: str, steps: Callable[[int], list[str]]) -> None:
    pipe = tiny_pipe(small_unet(), of_diffusion(name))
    schedule = of(steps(calls_of(pipe.scheduler, STEPS)))
    check_fused(pipe, lambda: generate(pipe, STEPS, 2), schedule)


@pytest.mark.parametrize("steps", [placed, mixed])
@pytest.mark.parametrize("name", FLOW)
def test_the_same_under_flow_matching(name: str, steps: Callable[[int], list[str]]) -> None:
    family = sd3()
    family.pipe.scheduler = made(*FLOW[name])
    schedule = of(steps(calls_of(family.pipe.scheduler, STEPS)))
    check_fused(family.pipe, lambda: family.generate(STEPS), schedule)


@settings(max_examples=30)
@given(
    name=st.sampled_from([*DIFFUSION, *PLAIN]),
    steps=st.lists(st.sampled_from(sorted(KINDS)), min_size=13, max_size=13),
    slope=st.builds(Slope, st.floats(0, 2), st.floats(0, 2)),
    options=st.fixed_dictionaries(
        {
            "batch": st.integers(1, 3),
            "guidance_scale": st.sampled_from([1.0, 3.0]),
            "num_images_per_prompt": st.integers(1, 2),
        }
    ),
)
def test_any_schedule_in_any_batch_with_any_scheduler(
    name: str, steps: list[str], slope: Slope, options: dict[str, Any]
) -> None:
    pipe = tiny_pipe(small_unet(), of_diffusion(name))
    count = calls_of(pipe.scheduler, 6)
    schedule = of(["full", "hold", *steps][:count], slope)
    check_fused(pipe, lambda: generate(pipe, 6, **options | {"latents": None}), schedule)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"img2img", "inpainting"}))
@pytest.mark.parametrize("guidance_scale", [1.0, 4.0])
def test_every_family_with_and_without_guidance(name: str, guidance_scale: float) -> None:
    family: Family = FAMILIES[name]()
    options: dict[str, Any] = {"batch": 2, "guidance_scale": guidance_scale}
    schedule = of(mixed(STEPS), prune=f"level_{dato.topology(family.pipe).levels[0]}")
    check_fused(family.pipe, lambda: family.generate(STEPS, **options), schedule)


@pytest.mark.parametrize("name", ["sd15", "sdxl", "pixart"])
def test_several_images_for_a_prompt(name: str) -> None:
    family = FAMILIES[name]()
    options: dict[str, Any] = {"num_images_per_prompt": 2, "latents": None}
    run = lambda: family.generate(STEPS, **options)  # noqa: E731
    check_fused(family.pipe, run, of(placed(STEPS)))


@pytest.mark.parametrize("name", [*DIFFUSION, *PLAIN])
def test_guidance_may_end_between_two_gaps_that_hold(name: str) -> None:
    """Call by call it ends with a gap's last call, fused with the computed call before the gap."""
    pipe = tiny_pipe(small_unet(), of_diffusion(name))
    count = calls_of(pipe.scheduler, 8)
    schedule = of(["full" if call % 4 == 0 else "hold" for call in range(count)])
    with dato.applied(pipe, schedule, fuse=False):
        expected = generate(pipe, 8, **guidance_off(3))
    with dato.applied(pipe, schedule):
        close(generate(pipe, 8, **guidance_off(0)), expected)
        assert dato.explain(pipe).endswith("fused.")


def guidance_off(last: int) -> dict[str, Any]:
    """Options of a run whose guidance ends after a step."""

    def end(pipe: Any, step: int, _: Any, held: dict[str, Any]) -> dict[str, Any]:
        if step == last:
            pipe._guidance_scale = 0.0
            return {"prompt_embeds": held["prompt_embeds"].chunk(2)[1]}
        return held

    return {"callback_on_step_end": end, "callback_on_step_end_tensor_inputs": ["prompt_embeds"]}


def test_a_scheduler_that_no_pipeline_has_is_traced_too() -> None:
    scheduler = made(MODULAR, {})
    schedule = of(placed(calls_of(scheduler, STEPS)))
    calls = skipped_calls(schedule, scheduler, forecasts)
    run = FusedRun(*_ordered(traced(scheduler, calls, "output"), scheduler))
    plain = fused = random(1, 4, 8, 8)
    outputs: dict[int, Tensor] = {}
    for call, skipped in enumerate(calls):
        if skipped is None:
            outputs[call] = random(1, 4, 8, 8, seed=call)
            close(fused, plain)
            fused = run.step(outputs[call], fused)
            output = outputs[call]
        else:
            terms = zip(skipped.sources, skipped.weights, strict=True)
            output = sum((weight * outputs[source] for source, weight in terms), torch.zeros(1))
        plain = scheduler.step(output, scheduler.timesteps[call], plain).prev_sample
    close(fused, plain)


def _ordered(pair: Any, scheduler: Any) -> tuple[Any, Any, Any]:
    trace, types = pair
    return trace, scheduler.timesteps, types


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_what_is_not_linear_goes_call_by_call(name: str) -> None:
    pipe = tiny_pipe(small_unet())
    pipe.scheduler = made(name, BETAS | NOT_LINEAR[name])  # its pipeline would stop it clipping
    schedule = of(placed(calls_of(pipe.scheduler, STEPS)))
    with dato.applied(pipe, schedule, fuse=False):
        expected = generate(pipe, STEPS)
    with dato.applied(pipe, schedule):
        assert torch.equal(generate(pipe, STEPS), expected)
        text = dato.explain(pipe)
    assert f"call by call, because {name}" in text
    assert "clips, or draws noise" in text


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_trace_comes_of_is_refused_by_name(name: str) -> None:
    scheduler = made(name, {})
    count = calls_of(scheduler, STEPS)
    calls = skipped_calls(of(placed(count), Slope()), scheduler, forecasts)
    with pytest.raises(NotLinearError, match=f"^{name}"):
        traced(scheduler, calls, "output")


@pytest.mark.parametrize("setting", ["clip_sample", "thresholding"])
def test_the_setting_that_is_in_the_way_is_named(setting: str) -> None:
    pipe = tiny_pipe(small_unet())
    pipe.scheduler = DDIMScheduler(**BETAS | EXACT | {setting: True})
    with dato.applied(pipe, of(placed(STEPS))):
        assert f"DDIMScheduler with {setting}=True" in dato.explain(pipe)


def test_every_scheduler_of_diffusers_is_fused_here_or_named() -> None:
    names = {
        name
        for name in dir(diffusers)
        if name.endswith("Scheduler")
        and not name.startswith("Flax")
        and inspect.isclass(getattr(diffusers, name))
    }
    fused = {kind for kind, _ in (*DIFFUSION.values(), *FLOW.values())} | {*PLAIN, MODULAR}
    assert names == fused | set(NOT_LINEAR) | set(REFUSED) | set(UNTRIED)
    assert not fused & (set(REFUSED) | set(UNTRIED))
