"""A tuned sampler takes DDIM's step for a weighted sum of noises, at timesteps of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler
from diffusers.callbacks import SDCFGCutoffCallback
from torch import Tensor

import dato
from dato import Kind, MismatchError, Schedule, TunedSampler, UnsupportedError
from dato.sampler.noise_levels import noise_levels
from dato.sampler.tuned import coefficients, padded, tuned_updates
from tests.dato.models import Family, sd3
from tests.dato.sampler.schedulers import EXACT, FLAT
from tests.dato.sampler.test_schedulers import close
from tests.dato.tiny import BETAS, PRUNE, generate, generated, tiny_pipe

pytestmark = pytest.mark.filterwarnings("ignore:The configuration file")
KINDS: dict[str, dict[str, Any]] = {
    "epsilon": {},
    "epsilon, last alpha below 1": {"set_alpha_to_one": False},
    "v": {"prediction_type": "v_prediction"},
    "v from pure noise": {"prediction_type": "v_prediction"} | FLAT,
    "sample": {"prediction_type": "sample"},
}
UNEVEN = TunedSampler((951.5, 600.25, 333.0, 40.75), ((1.0,), (1.4, -0.4), (1.6, -0.8, 0.2), (1,)))


def ddim(**config: Any) -> Any:
    return DDIMScheduler(**BETAS | EXACT | config)


def tuned(sampler: TunedSampler, kind: Kind = Kind()) -> Schedule:
    return Schedule({"full": kind}, ("full",) * sampler.calls, tuned=sampler)


def holding(timesteps: list[float]) -> TunedSampler:
    """Each gap with the newest output alone."""
    return TunedSampler(tuple(timesteps), ((1.0,),) * len(timesteps))


def timesteps_of(scheduler: Any, steps: int) -> list[float]:
    scheduler.set_timesteps(steps)
    values: list[float] = scheduler.timesteps.tolist()
    return values


@pytest.mark.parametrize("kind", KINDS)
def test_at_ddims_timesteps_with_the_newest_output_alone_it_is_ddim(kind: str) -> None:
    pipe = tiny_pipe(sampler=ddim(**KINDS[kind]))
    expected = generate(pipe, 5, 2)
    sampler = holding(timesteps_of(pipe.scheduler, 5))
    close(generated(pipe, tuned(sampler), batch=2), expected, 1e-4)
    assert torch.equal(generate(pipe, 5, 2), expected), "the pipeline is as it was"


@pytest.mark.parametrize("kind", KINDS)
def test_with_the_weights_of_lines_it_is_the_fused_linear_schedule(kind: str) -> None:
    pipe = tiny_pipe(sampler=ddim(**KINDS[kind]))
    expected = generated(pipe, Schedule.uniform(20, 4, 0, forecast="linear"), batch=2)
    sampler = lined(pipe.scheduler, timesteps_of(pipe.scheduler, 20), 4)
    close(generated(pipe, tuned(sampler), batch=2), expected, 2e-4)


def lined(scheduler: Any, every: list[float], interval: int) -> TunedSampler:
    """The oracle: sums the line's weights over the small steps of each gap."""
    alphas = scheduler.alphas_cumprod.double()[torch.tensor(every).long()]
    last = torch.as_tensor(scheduler.final_alpha_cumprod).double().reshape(1)
    ratios = ((1 - (each := torch.cat([alphas, last]))) / each.clamp_min(1e-300)).sqrt().tolist()
    weights: list[tuple[float, ...]] = [(1.0,)]
    for call in range(interval, len(every), interval):
        run = every[call - interval] - every[call]
        ends = [ratios[at + 1] - ratios[at] for at in range(call, call + interval)]
        shares = [(every[call] - every[at]) / run for at in range(call, call + interval)]
        line = sum(end * share for end, share in zip(ends, shares, strict=True)) / sum(ends)
        weights.append((1 + line, -line))
    return TunedSampler(tuple(every[::interval]), tuple(weights))


def test_under_flow_matching_it_is_eulers_step() -> None:
    family: Family = sd3()
    family.pipe.scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    expected = family.generate(6)
    sampler = holding(family.pipe.scheduler.timesteps.tolist())
    with dato.applied(family.pipe, tuned(sampler)):
        close(family.generate(6), expected, 1e-4)


def test_a_scheduler_with_larger_latents_gives_the_same_image() -> None:
    pipe = tiny_pipe(sampler=ddim())
    expected = generated(pipe, tuned(UNEVEN))
    pipe.scheduler = EulerDiscreteScheduler(**BETAS)
    close(generated(pipe, tuned(UNEVEN)), expected, 1e-3)


def test_the_denoiser_is_asked_at_the_tuned_timesteps() -> None:
    pipe = tiny_pipe(sampler=ddim())
    asked: list[float] = []
    handle = pipe.unet.register_forward_pre_hook(
        lambda _, args: asked.append(float(args[1])), with_kwargs=False
    )
    with dato.applied(pipe, tuned(UNEVEN)):
        generate(pipe, 4)
        assert dato.explain(pipe) == "4 computed calls at tuned timesteps."
    handle.remove()
    assert asked == list(UNEVEN.timesteps)


def test_pruned_calls_change_the_image() -> None:
    pipe = tiny_pipe(sampler=ddim(prediction_type="v_prediction"))
    plain, pruned = (generated(pipe, tuned(UNEVEN, kind)) for kind in (Kind(), Kind("full", PRUNE)))
    assert bool(pruned.isfinite().all())
    assert not torch.allclose(plain, pruned)


@pytest.mark.parametrize("place", ["timesteps", "weights"])
def test_every_number_changes_the_image(place: str) -> None:
    pipe = tiny_pipe(sampler=ddim())
    before = generated(pipe, tuned(UNEVEN))
    rows: list[Any] = list(getattr(UNEVEN, place))
    for call in range(1, 4):
        row = rows[call]
        other = row - 3.5 if place == "timesteps" else (row[0] + 0.05, *row[1:])
        changed = {place: (*rows[:call], other, *rows[call + 1 :])}
        moved = dataclasses.replace(UNEVEN, **changed)
        assert not torch.allclose(generated(pipe, tuned(moved)), before, rtol=1e-4), call


def test_what_cannot_be_fused_is_refused() -> None:
    pipe = tiny_pipe(sampler=ddim())
    with pytest.raises(UnsupportedError, match=r"fuse=False asks for it.*runs no other way"):
        dato.apply(pipe, tuned(UNEVEN), fuse=False)
    with (
        dato.applied(pipe, tuned(UNEVEN), resample="nearest"),
        pytest.raises(MismatchError, match="a run of 4 denoiser calls, but this run makes 6"),
    ):
        generate(pipe, 6)
    with (
        dato.applied(pipe, tuned(UNEVEN)),
        pytest.raises(UnsupportedError, match=r"eta=0\.5 draws noise"),
    ):
        generate(pipe, 4, eta=0.5)
    pipe.scheduler = DDIMScheduler(**BETAS, clip_sample=True)
    with pytest.raises(UnsupportedError, match="has clip_sample=True"):
        dato.apply(pipe, tuned(UNEVEN))


def test_a_timestep_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(MismatchError, match="begins at timestep 1400, but this model's end at 999"):
        tuned_updates(ddim(), holding([1400.0, 3.0]))


def test_levels_between_trained_timesteps_lie_between_them() -> None:
    levels = noise_levels(ddim(**FLAT))
    alpha, sigma = levels.at(torch.linspace(999, 0, 4001, dtype=torch.float64))
    assert bool((alpha.diff() > 0).all())
    assert bool((sigma.diff() < 0).all())
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones_like(alpha))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_differences(kind: str) -> None:
    levels = noise_levels(ddim(**KINDS[kind]))
    timesteps, weights = padded(UNEVEN)

    def total(timesteps: Tensor, weights: Tensor) -> Tensor:
        sums = coefficients(levels, timesteps, weights)
        return sums.latents.sin().sum() + sums.outputs.sin().sum()

    leaves = timesteps.requires_grad_(), weights.requires_grad_()
    assert torch.autograd.gradcheck(total, leaves, eps=1e-6, atol=1e-4)


def cut_off(pipe: Any, sampler: TunedSampler) -> Tensor:
    """A run whose guidance ends after its second call."""
    end = SDCFGCutoffCallback(cutoff_step_ratio=None, cutoff_step_index=1)
    return generated(pipe, tuned(sampler), callback_on_step_end=end)


def test_guidance_that_ends_between_outputs_of_one_sum_is_refused_with_a_remedy_that_helps() -> (
    None
):
    pipe = tiny_pipe(sampler=ddim())
    with pytest.raises(MismatchError, match="guidance scale changed to 0") as error:
        cut_off(pipe, UNEVEN)
    assert error.value.remedy.startswith("Leave the guidance as it is")
    assert "fuse=False" not in error.value.remedy
    assert torch.isfinite(cut_off(pipe, holding(list(UNEVEN.timesteps)))).all()


@pytest.mark.parametrize(
    ("words", "timestep", "options"),
    [("in order", 333.0, {}), ("eta", 600.25, {"eta": 0.5})],
)
def test_no_remedy_of_a_tuned_run_is_to_go_call_by_call(
    words: str, timestep: float, options: dict[str, float]
) -> None:
    def interfere(pipe: Any, step: int, _: Any, held: dict[str, Tensor]) -> dict[str, Tensor]:
        pipe.scheduler.step(held["latents"], timestep, held["latents"], **options)
        return held

    pipe = tiny_pipe(sampler=ddim())
    with pytest.raises(MismatchError, match=words) as error:
        generated(pipe, tuned(UNEVEN), callback_on_step_end=interfere)
    assert "fuse=False" not in error.value.remedy
