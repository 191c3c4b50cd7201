"""Every deterministic scheduler of diffusers is fused, and equals the schedule run call by call.

Those that cannot be fused are named here too, with the reason that ``dato.explain`` gives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import diffusers
import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler, SchedulerMixin
from torch import Tensor

import dato
from dato import Kind, Schedule
from dato.schedule import Forecast
from tests.dato.models import FAMILIES, Family, sd3
from tests.dato.tiny import BETAS, generate, tiny_pipe

pytestmark = pytest.mark.filterwarnings(
    "ignore:The configuration file", "ignore:__array_wrap__ must accept"
)
STEPS = 12
V = {"prediction_type": "v_prediction"}
FLAT = {"timestep_spacing": "trailing", "rescale_betas_zero_snr": True}
EXACT = {"clip_sample": False}

DIFFUSION: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", EXACT),
    "ddim v": ("DDIMScheduler", EXACT | V | FLAT),
    "ddim sample": ("DDIMScheduler", EXACT | {"prediction_type": "sample"}),
    "ddim parallel": ("DDIMParallelScheduler", EXACT),
    "ddim inverse": ("DDIMInverseScheduler", EXACT),
    "ddim cogvideox": ("CogVideoXDDIMScheduler", EXACT | V),
    "deis": ("DEISMultistepScheduler", {}),
    "dpm": ("DPMSolverMultistepScheduler", {}),
    "dpm v karras": ("DPMSolverMultistepScheduler", V | {"use_karras_sigmas": True}),
    "dpm third order": ("DPMSolverMultistepScheduler", {"solver_order": 3}),
    "dpm inverse": ("DPMSolverMultistepInverseScheduler", {}),
    "dpm single": ("DPMSolverSinglestepScheduler", {"lower_order_final": True}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler v": ("EulerDiscreteScheduler", V),
    "euler karras": ("EulerDiscreteScheduler", {"use_karras_sigmas": True}),
    "euler exponential": ("EulerDiscreteScheduler", {"use_exponential_sigmas": True}),
    "euler beta": ("EulerDiscreteScheduler", {"use_beta_sigmas": True}),
    "heun": ("HeunDiscreteScheduler", {}),
    "kdpm2": ("KDPM2DiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "plms": ("PNDMScheduler", {"skip_prk_steps": True}),
    "pndm": ("PNDMScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "unipc v third order": ("UniPCMultistepScheduler", V | {"solver_order": 3}),
}
"""On a diffusion model, with Stable Diffusion's noise schedule."""

PLAIN = ("EDMDPMSolverMultistepScheduler", "EDMEulerScheduler", "IPNDMScheduler")
"""On a diffusion model, with noise schedules of their own."""

FLOW: dict[str, tuple[str, dict[str, Any]]] = {
    "euler": ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
    "euler karras": ("FlowMatchEulerDiscreteScheduler", {"use_karras_sigmas": True}),
    "heun": ("FlowMatchHeunDiscreteScheduler", {"shift": 3.0}),
    "map": ("FlowMapEulerDiscreteScheduler", {}),
    "dpm": (
        "DPMSolverMultistepScheduler",
        {"prediction_type": "flow_prediction", "use_flow_sigmas": True},
    ),
    "unipc": (
        "UniPCMultistepScheduler",
        {"prediction_type": "flow_prediction", "use_flow_sigmas": True},
    ),
}
"""On a flow-matching model."""

NOT_LINEAR: dict[str, dict[str, Any]] = {
    "DDIMScheduler": {},
    "DDPMScheduler": EXACT,
    "DDPMParallelScheduler": EXACT,
    "EulerAncestralDiscreteScheduler": {},
    "KDPM2AncestralDiscreteScheduler": {},
    "LCMScheduler": {},
    "TCDScheduler": {},
    "SASolverScheduler": {},
    "DPMSolverMultistepScheduler": {"algorithm_type": "sde-dpmsolver++"},
    "UniPCMultistepScheduler": {"thresholding": True},
}
"""They clip, threshold, or draw noise."""

OTHERS = {
    "AmusedScheduler": "predicts tokens",
    "BlockRefinementScheduler": "predicts tokens",
    "DiscreteDDIMScheduler": "predicts tokens",
    "EntropyBoundScheduler": "predicts tokens",
    "VQDiffusionScheduler": "predicts tokens",
    "CMStochasticIterativeScheduler": "draws noise",
    "CogVideoXDPMScheduler": "its step takes other arguments",
    "CosineDPMSolverMultistepScheduler": "draws noise; needs torchsde",
    "DDPMWuerstchenScheduler": "draws noise",
    "DPMSolverSDEScheduler": "draws noise; needs torchsde",
    "FlowMatchLCMScheduler": "draws noise",
    "HeliosDMDScheduler": "draws noise",
    "HeliosScheduler": "its step needs more than a timestep",
    "KarrasVeScheduler": "its step takes other arguments",
    "LTXEulerAncestralRFScheduler": "draws noise",
    "MiniMaxH3Scheduler": "made for one pipeline, with timesteps of its own",
    "PiflowScheduler": "the model's output is a policy, not a velocity",
    "RFD4ProteinaScheduler": "made for proteins",
    "RePaintScheduler": "its step takes a picture and a mask",
    "SCMScheduler": "draws noise",
    "ScoreSdeVeScheduler": "draws noise",
    "UnCLIPScheduler": "draws noise",
}
"""Not tried here, and why."""


def placed(calls: int, forecast: Forecast) -> Schedule:
    """A third of the calls is full; close together at first."""
    full = [call for call in range(calls) if call in (0, 2, 3) or call % 5 == 0]
    steps = tuple("full" if call in full else "skipped" for call in range(calls))
    weights: dict[int, tuple[float, ...]] = {}
    if forecast == "fitted":
        for call in set(range(calls)) - set(full):
            weights[call] = (1.5, -0.7, 0.2)[: sum(each < call for each in full)]
    return Schedule({"full": Kind(), "skipped": Kind(0, forecast=forecast)}, steps, weights=weights)


def mixed(pipe: Any, calls: int) -> Schedule:
    """Skipped calls beside cuts, and a pruned full call."""
    prune = {f"level_{level}": 0.5 for level in dato.topology(pipe).levels}
    steps = list(placed(calls, "linear").steps)
    steps[4], steps[8], steps[10] = "cut", "cut", "pruned"
    kinds = {
        "full": Kind(),
        "skipped": Kind(0, forecast="linear"),
        "cut": Kind(2, forecast="linear"),
        "pruned": Kind("full", prune),
    }
    return Schedule(kinds, tuple(steps))


def made(name: str, config: dict[str, Any]) -> Any:
    return getattr(diffusers, name)(**config)


def calls_of(scheduler: Any) -> int:
    scheduler.set_timesteps(STEPS)
    return len(scheduler.timesteps)


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


@pytest.mark.parametrize("forecast", ["hold", "linear", "fitted"])
@pytest.mark.parametrize("name", [*DIFFUSION, *PLAIN])
def test_a_fused_run_is_the_run_call_by_call(name: str, forecast: Forecast) -> None:
    kind, config = DIFFUSION.get(name, (name, {}))
    pipe = tiny_pipe(sampler=made(kind, ({} if name in PLAIN else BETAS) | config))
    schedule = placed(calls_of(pipe.scheduler), forecast)
    check_fused(pipe, lambda: generate(pipe, STEPS, 2), schedule)


@pytest.mark.parametrize("name", DIFFUSION)
def test_the_same_beside_cuts_and_pruned_full_calls(name: str) -> None:
    kind, config = DIFFUSION[name]
    pipe = tiny_pipe(sampler=made(kind, BETAS | config))
    schedule = mixed(pipe, calls_of(pipe.scheduler))
    check_fused(pipe, lambda: generate(pipe, STEPS, 2), schedule)


@pytest.mark.parametrize("forecast", ["hold", "linear", "fitted"])
@pytest.mark.parametrize("name", FLOW)
def test_the_same_under_flow_matching(name: str, forecast: Forecast) -> None:
    family = sd3()
    family.pipe.scheduler = made(*FLOW[name])
    schedule = placed(calls_of(family.pipe.scheduler), forecast)
    check_fused(family.pipe, lambda: family.generate(STEPS), schedule)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"img2img", "inpainting"}))
@pytest.mark.parametrize("guidance_scale", [1.0, 4.0])
def test_every_family_with_and_without_guidance(name: str, guidance_scale: float) -> None:
    family: Family = FAMILIES[name]()
    options: dict[str, Any] = {"batch": 2, "guidance_scale": guidance_scale}
    for schedule in (placed(STEPS, "linear"), mixed(family.pipe, STEPS)):
        check_fused(family.pipe, lambda: family.generate(STEPS, **options), schedule)


@pytest.mark.parametrize("name", ["sd15", "sdxl", "pixart"])
def test_several_images_for_a_prompt(name: str) -> None:
    family = FAMILIES[name]()
    options: dict[str, Any] = {"num_images_per_prompt": 2, "latents": None}
    run = lambda: family.generate(STEPS, **options)  # noqa: E731
    check_fused(family.pipe, run, placed(STEPS, "linear"))


@pytest.mark.parametrize("name", ["sd15", "sd21", "sdxl", "sd3", "flux-dev"])
def test_half_precision_differs_by_its_rounding(name: str) -> None:
    family, dtype = FAMILIES[name](), torch.bfloat16
    schedule = placed(STEPS, "hold")

    def run(**options: Any) -> Tensor:
        inputs = {
            name: value.to(dtype)
            if isinstance(value, Tensor) and value.is_floating_point()
            else value
            for name, value in family.inputs(1, (16, 16), 1).items()
        }
        halves: dict[str, Any] = inputs
        return family.generate(STEPS, **halves)

    with dato.applied(family.pipe, schedule, fuse=False):
        exact = family.generate(STEPS)
        family.pipe.to(dtype)
        expected = run()
    with dato.applied(family.pipe, schedule):
        result = run()
        assert dato.explain(family.pipe).endswith("fused.")
    assert result.dtype == expected.dtype
    rounding = (expected.float() - exact).abs().mean()
    assert (result.float() - exact).abs().mean() < 1.5 * rounding


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_what_is_not_linear_goes_call_by_call(name: str) -> None:
    pipe = tiny_pipe()
    pipe.scheduler = made(name, BETAS | NOT_LINEAR[name])  # its pipeline would stop it clipping
    schedule = placed(calls_of(pipe.scheduler), "linear")
    with dato.applied(pipe, schedule, fuse=False):
        expected = generate(pipe, STEPS)
    with dato.applied(pipe, schedule):
        assert torch.equal(generate(pipe, STEPS), expected)
        text = dato.explain(pipe)
    assert f"call by call, because {name}" in text
    assert "clips, or draws noise" in text


@pytest.mark.parametrize(("setting", "value"), [("clip_sample", True), ("thresholding", True)])
def test_the_setting_that_is_in_the_way_is_named(setting: str, value: object) -> None:
    pipe = tiny_pipe()
    pipe.scheduler = DDIMScheduler(**BETAS, **{"clip_sample": False, setting: value})
    with dato.applied(pipe, placed(STEPS, "hold")):
        assert f"DDIMScheduler with {setting}=True" in dato.explain(pipe)


def test_every_scheduler_of_diffusers_is_fused_here_or_named() -> None:
    names = {
        name
        for name in dir(diffusers)
        if name.endswith("Scheduler")
        and not name.startswith("Flax")
        and inspect.isclass(getattr(diffusers, name))
    }
    fused = {kind for kind, _ in (*DIFFUSION.values(), *FLOW.values())} | set(PLAIN)
    assert names == fused | set(NOT_LINEAR) | set(OTHERS)
    assert not fused & set(OTHERS)
    assert issubclass(FlowMatchEulerDiscreteScheduler, SchedulerMixin)
