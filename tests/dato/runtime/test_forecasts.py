"""A forecast stands in for a held value exactly as its weights say, wherever a schedule uses it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import diffusers
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler
from diffusers.configuration_utils import FrozenDict
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import dato
from dato import Kind, Schedule
from dato.denoisers.base import Spatial
from dato.errors import ForecastError
from dato.fit import Fit
from dato.runtime.engine import Engine
from dato.runtime.forecast import linear_weights
from dato.runtime.fusion import Fusion
from dato.runtime.memory import weighted_sum
from dato.sampler.traits import FLOW, predicted
from dato.schedule import Depth, Forecast, Quantity
from dato.topology import Topology
from tests.dato.models import pixart
from tests.dato.runtime.test_runs import SAMPLERS, calls, sampler
from tests.dato.tiny import generate, generated, random, scheduler, tiny_pipe
from tests.oracles.caching import cached_by_hooks

PIPE = tiny_pipe()
TRACED: dict[str, Any] = {"backend": "eager", "fullgraph": True}


def of_depths(
    *depths: Depth, forecast: Forecast = "linear", quantity: Quantity = "epsilon"
) -> Schedule:
    """A schedule with these depths, no pruning, and one forecast wherever there can be one."""
    kinds = {f"d{d}": Kind(d, {}, "hold" if d == "full" else forecast) for d in depths}
    return Schedule(kinds, tuple(f"d{depth}" for depth in depths), quantity=quantity)


def mean_of_two(_schedule: Schedule, _timesteps: Sequence[float]) -> Any:
    """A policy of this file alone: the mean of the last two values."""
    return lambda call, computed: (0.5, 0.5)[: len(computed)] if len(computed) > 1 else (1.0,)


DEPTHS: tuple[Depth, ...] = ("full", 0, 2, "full", 2, 0, 0, "full", 1, 2)


def with_policy(pipe: Any, schedule: Schedule, policy_of: Any) -> Any:
    """A pipeline whose engine asks another policy."""
    dato.apply(pipe, schedule)
    vars(pipe.unet)["_dato_patch"].engine.policy_of = policy_of
    return pipe


def test_another_policy_runs_through_the_public_seam_at_depth_0_and_from_a_cut(pipe: Any) -> None:
    schedule = of_depths(*DEPTHS, forecast="hold")
    with cached_by_hooks(pipe.unet, schedule, mean_of_two(schedule, [])):
        expected = generate(pipe, steps=len(DEPTHS))
    held = generated(pipe, schedule)
    image = generate(with_policy(pipe, schedule, mean_of_two), steps=len(DEPTHS))
    torch.testing.assert_close(image, expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(image, held, rtol=1e-3, atol=1e-3)


def test_another_policy_runs_compiled() -> None:
    torch.compiler.reset()
    family = pixart()
    schedule = of_depths(*DEPTHS, forecast="hold")
    pipe = family.pipe
    dato.apply(pipe, schedule)
    vars(pipe.transformer)["_dato_patch"].engine.policy_of = mean_of_two
    expected = family.generate(len(DEPTHS))
    warmup = dato.compile(pipe, **TRACED)
    for _ in range(3):
        assert torch.equal(family.generate(len(DEPTHS)), expected)
    # One graph for each kind of call that computes something: full, depth 1 and depth 2.
    assert len(warmup.seconds) == 3


@pytest.mark.parametrize("quantity", ["epsilon", "output"])
@pytest.mark.parametrize("size", [(16, 16), (9, 13)])
def test_linear_forecasts_equal_the_slow_cache(quantity: Quantity, size: tuple[int, int]) -> None:
    schedule = of_depths(*DEPTHS, quantity=quantity)
    PIPE.scheduler.set_timesteps(len(DEPTHS))
    times = PIPE.scheduler.timesteps.tolist()

    def weigh(call: int, computed: list[int]) -> tuple[float, ...]:
        if len(computed) < 2:
            return (1.0,)
        new, old = computed[:2]
        share = (times[call] - times[old]) / (times[new] - times[old])
        return share, 1 - share

    with cached_by_hooks(PIPE.unet, schedule, weigh):
        expected = generate(PIPE, steps=len(DEPTHS), size=size)
    image = generated(PIPE, schedule, size=size)
    torch.testing.assert_close(image, expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=5)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_fitted_forecasts_read_up_to_three_values(weights: list[float]) -> None:
    kinds = {"full": Kind(), "held": Kind(0, {}, "fitted"), "shallow": Kind(2, {}, "fitted")}
    steps = ("full", "held", "full", "shallow", "full", "shallow", "held")
    given_weights = {1: (0.9,), 3: tuple(weights[:2]), 5: tuple(weights), 6: tuple(weights)}
    schedule = Schedule(kinds, steps, weights=given_weights)
    with cached_by_hooks(PIPE.unet, schedule, lambda call, _: given_weights[call]):
        expected = generate(PIPE, steps=len(steps))
    image = generated(PIPE, schedule)
    torch.testing.assert_close(image, expected, rtol=1e-4, atol=1e-4)


class Ramp(Spatial):
    """An adapter of a denoiser whose noise, or velocity, moves on a straight line over the
    timesteps."""

    inputs = ("sample", "timestep", "encoder_hidden_states")

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        config: Any = FrozenDict(in_channels=4, out_channels=4)
        self.denoiser: Any = torch.nn.Identity()
        self.denoiser.config = config
        self.ran = 0
        self.level, self.slope = random(1, 4, 8, 8, seed=1), random(1, 4, 8, 8, seed=2) / 1000

    def forward(self, sample: Tensor, timestep: Tensor, **_: Any) -> tuple[Tensor]:
        self.ran += 1
        noise: Tensor = self.level + self.slope * timestep
        kind = predicted(self.pipe.scheduler)
        if kind in ("epsilon", FLOW):
            return (noise,)
        alpha: Tensor = self.pipe.scheduler.alphas_cumprod[timestep.round().long()]
        clean = (sample - (1 - alpha).sqrt() * noise) / alpha.sqrt()
        if kind == "sample":
            return (clean,)
        velocity: Tensor = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
        return (velocity,)

    def check(self) -> None:
        pass

    def check_inputs(self, inputs: Any) -> None:
        pass

    def result(self, output: Tensor) -> Any:
        return SimpleNamespace(sample=output)


def call_by_call(pipe: Any, ramp: Any, fit: Fit) -> Engine:
    fusion = Fusion(pipe, fit, fuse=False, adapted=True)
    return Engine(pipe, ramp, ramp.forward, Topology(1, ()), fit, fusion)


class Sampled:
    """What the engine reads of a pipeline: its scheduler."""

    def __init__(self, of: Any) -> None:
        self.scheduler = of


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", ["DDIM", "Euler", "DPM-Solver++", "Heun", "UniPC"])
def test_linear_is_exact_on_a_ramp(name: str, prediction: str) -> None:
    steps = 12
    pipe = Sampled(sampler(name, prediction_type=prediction))
    count = calls(name, steps)
    ramp: Any = Ramp(pipe)

    def denoised(forward: Any) -> Tensor:
        pipe.scheduler.set_timesteps(steps)
        latents: Tensor = random(1, 4, 8, 8) * pipe.scheduler.init_noise_sigma
        for timestep in pipe.scheduler.timesteps:
            scaled = pipe.scheduler.scale_model_input(latents, timestep)
            output = forward(scaled, timestep, return_dict=False)[0]
            latents = pipe.scheduler.step(output, timestep, latents).prev_sample
        return latents

    expected = denoised(ramp.forward)
    ramp.ran = 0
    # Heun calls twice at one timestep; five full calls then cover three timesteps.
    depths: list[Depth] = ["full" if call < 5 else 0 for call in range(count)]
    fit = Fit(of_depths(*depths, forecast="linear"))
    image = denoised(call_by_call(pipe, ramp, fit).forward)
    assert ramp.ran == 5
    # Float32 carries a slope over seven calls; a wrong sign is off by the noise itself.
    torch.testing.assert_close(image, expected, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("kind", [FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler])
def test_linear_is_exact_on_a_ramp_of_velocities(kind: Any) -> None:
    pipe = Sampled(kind(shift=3.0))
    ramp: Any = Ramp(pipe)

    def denoised(forward: Any) -> Tensor:
        pipe.scheduler.set_timesteps(8)
        latents: Tensor = random(1, 4, 8, 8)
        for timestep in pipe.scheduler.timesteps:
            output = forward(latents, timestep, return_dict=False)[0]
            latents = pipe.scheduler.step(output, timestep, latents).prev_sample
        return latents

    expected = denoised(ramp.forward)
    ramp.ran = 0
    count = len(pipe.scheduler.timesteps)
    depths: list[Depth] = ["full" if call < 5 else 0 for call in range(count)]
    fit = Fit(of_depths(*depths, forecast="linear"))
    image = denoised(call_by_call(pipe, ramp, fit).forward)
    assert ramp.ran == 5
    torch.testing.assert_close(image, expected, rtol=5e-3, atol=5e-3)


def test_the_line_goes_through_the_newest_values_at_two_timesteps() -> None:
    times = [90.0, 80.0, 80.0, 70.0, 70.0, 60.0]
    assert linear_weights(times, 5, (4, 3)) == (1.0,)
    assert linear_weights(times, 5, (4, 3, 2)) == (2.0, 0.0, -1.0)
    assert linear_weights(times, 5, (3, 0)) == (1.5, -0.5)
    assert linear_weights(times, 2, (1, 0)) == (1.0, 0.0)
    assert linear_weights(times, 1, (0,)) == (1.0,)


def test_before_two_values_exist_a_line_holds(pipe: Any) -> None:
    depths: tuple[Depth, ...] = ("full", 0, 0, 1, 1)
    schedule = of_depths(*depths)
    held = of_depths("full", 0, 0, 1, 1, forecast="hold")
    assert torch.equal(generated(pipe, schedule), generated(pipe, held))


def test_noise_that_the_denoiser_predicts_is_held_without_a_conversion(pipe: Any) -> None:
    depths: tuple[Depth, ...] = ("full", 0, 2, "full", 0, 1)
    images = [
        generated(pipe, of_depths(*depths, forecast="hold", quantity=quantity))
        for quantity in ("epsilon", "output")
    ]
    assert torch.equal(*images)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_held_noise_is_a_longer_step_of_ddim(prediction: str) -> None:
    trailing = {"timestep_spacing": "trailing", "steps_offset": 1}
    pipe = tiny_pipe(sampler=scheduler(prediction_type=prediction, **trailing))
    fewer = generate(pipe, steps=5)
    image = generated(pipe, of_depths(*("full", 0) * 5, forecast="hold"))
    torch.testing.assert_close(image, fewer, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_every_sampler_runs_forecasts_and_starts_clean(name: str, prediction: str) -> None:
    pipe = tiny_pipe(sampler=sampler(name, prediction_type=prediction))
    count = calls(name, 9)
    schedule = of_depths(*(("full", 0, 1, 0) * count)[:count])
    with dato.applied(pipe, schedule):
        first = generate(pipe, steps=9)
        assert torch.isfinite(first).all()
        assert torch.equal(generate(pipe, steps=9), first)
        both = generate(pipe, steps=9, batch=2)
    if name not in ("Euler ancestral", "LCM"):  # their noise is drawn for the whole batch
        torch.testing.assert_close(both[:1], first, rtol=1e-4, atol=1e-4)


def test_a_sampler_that_adds_noise_holds_the_clean_sample() -> None:
    pipe = tiny_pipe(sampler=sampler("Euler ancestral"))
    schedule = of_depths("full", 0, "full", 0, forecast="hold")
    raw = of_depths("full", 0, "full", 0, forecast="hold", quantity="output")
    assert not torch.equal(generated(pipe, schedule), generated(pipe, raw))
    deterministic = tiny_pipe(sampler=sampler("Euler"))
    assert torch.equal(generated(deterministic, schedule), generated(deterministic, raw))


def test_a_sampler_that_renews_its_noise_holds_where_a_line_was_asked_for() -> None:
    pipe = tiny_pipe(sampler=sampler("LCM"))
    depths: tuple[Depth, ...] = ("full", "full", 0, 0)
    images = [generated(pipe, of_depths(*depths, forecast=f)) for f in ("hold", "linear")]
    assert torch.equal(*images)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_forecasts_run_with_and_without_guidance(pipe: Any, guidance: float) -> None:
    schedule = of_depths("full", 0, "full", 0, 1, 0)
    with cached_by_hooks(pipe.unet, schedule, lambda call, computed: weigh(pipe, call, computed)):
        expected = generate(pipe, guidance_scale=guidance)
    image = generated(pipe, schedule, guidance_scale=guidance)
    torch.testing.assert_close(image, expected, rtol=1e-5, atol=1e-5)


def weigh(pipe: Any, call: int, computed: list[int]) -> tuple[float, ...]:
    return linear_weights(pipe.scheduler.timesteps.tolist(), call, computed)


def test_image_to_image_draws_its_line_over_its_own_timesteps() -> None:
    pipe = tiny_pipe(kind=diffusers.StableDiffusionImg2ImgPipeline)
    inputs = {
        "image": random(1, 4, 16, 16), "prompt_embeds": random(1, 5, 8, seed=3),
        "negative_prompt_embeds": torch.zeros(1, 5, 8), "output_type": "latent",
        "num_inference_steps": 10, "strength": 0.6,
    }  # fmt: skip

    def run() -> Tensor:
        images: Tensor = pipe(**inputs, generator=torch.Generator().manual_seed(3)).images
        return images

    schedule = of_depths("full", "full", 0, 0, 0, 0)
    steps = iter(range(6))
    times = [0.0] * 6

    def note(_module: Any, args: tuple[Any, ...]) -> None:
        times[next(steps)] = float(args[1])

    handle = pipe.unet.register_forward_pre_hook(note)
    line = lambda call, computed: linear_weights(times, call, computed)  # noqa: E731
    with cached_by_hooks(pipe.unet, schedule, line):
        expected = run()
    handle.remove()
    with dato.applied(pipe, schedule):
        torch.testing.assert_close(run(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": {0: (1.0,)}}, "call 0, whose kind is not fitted"),
        ({"weights": {2: (1.0,)}}, "Call 1 has the fitted kind 'held', but no weights"),
        ({"weights": {1: (1.0,), 2: (1.0,)}}, "weights for call 2, but only 2 calls"),
        ({"weights": {1: ()}}, "Call 1 has 0 weights. Give it one to 3"),
        ({"weights": {1: (1.0, float("nan"))}}, "Call 1 has the weight nan, which is not finite"),
        ({"weights": {1: (1.0, 0.5)}}, "Call 1 has 2 weights, but it can read 1"),
        ({"quantity": "velocity"}, "The quantity 'velocity' is neither"),
    ],
)
def test_a_schedule_refuses_weights_that_it_cannot_run(change: Any, words: str) -> None:
    parts: dict[str, Any] = {
        "kinds": {"full": Kind(), "held": Kind(0, {}, "fitted")},
        "steps": ("full", "held"),
        "weights": {1: (1.0,)},
    }
    with pytest.raises(ForecastError, match=words):
        Schedule(**parts | change)


def test_a_full_call_forecasts_nothing() -> None:
    with pytest.raises(ForecastError, match="full call"):
        Kind("full", {}, "linear")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("weights", [(3.5, -2.5), (1.2, 0.3, -0.4)])
def test_half_precision_sums_in_float32(dtype: torch.dtype, weights: tuple[float, ...]) -> None:
    values = [random(4, 64, seed=seed).to(dtype) for seed in range(3)]
    exact = sum(w * value.double() for value, w in zip(values, weights, strict=False))
    # One rounding, at the end.
    half = torch.finfo(dtype).eps / 2 * 1.01
    torch.testing.assert_close(
        weighted_sum(values, weights).double(), torch.as_tensor(exact), rtol=half, atol=1e-6
    )
