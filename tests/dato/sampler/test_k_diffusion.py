"""In k-diffusion's form a sampler gives the engine's latents, with the package's wrappers too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

import dato
from dato import MismatchError, PortableSampler, Schedule
from tests.dato.denoised import Denoised, alphas_of
from tests.dato.exported import SAMPLERS, exported, preset_of
from tests.dato.guided import Guided, by_engine
from tests.dato.models import FAMILIES
from tests.dato.tiny import generate, noise, prompts, scheduler, tiny_pipe

pytestmark = pytest.mark.filterwarnings(
    "ignore:The configuration file", "ignore:__array_wrap__ must accept"
)


def first_noise() -> Tensor:
    return torch.randn(1, 6, 32, 32, generator=torch.Generator().manual_seed(5))


def close(result: Tensor, expected: Tensor) -> None:
    bound = 2e-4 * float(expected.abs().max())
    torch.testing.assert_close(result, expected, rtol=0, atol=bound)


def engine(pipe: Any, preset: dato.Preset) -> tuple[Tensor, PortableSampler]:
    """The engine's latents, and the sampler."""
    with dato.applied(pipe, preset):
        latents = by_engine(pipe, first_noise(), preset.sampler.num_inference_steps)
        return latents, dato.export_sampler(preset, pipe.scheduler)


@pytest.mark.parametrize("name", SAMPLERS)
def test_it_gives_the_engine_s_latents(name: str) -> None:
    pipe, preset = exported(name)
    expected, sampler = engine(pipe, preset)
    sigmas, sample = dato.kdiffusion(sampler)
    model = Denoised(Guided(pipe), alphas_of(pipe), "v_prediction")
    close(sample(model, first_noise() * sampler.start, sigmas), expected)


def test_with_the_wrappers_of_the_package() -> None:
    external = pytest.importorskip("k_diffusion.external", exc_type=ImportError)
    for name in ("ddim", "dpm karras", "tuned"):
        pipe, preset = exported(name)
        expected, sampler = engine(pipe, preset)
        sigmas, sample = dato.kdiffusion(sampler)
        guided = Guided(pipe)
        model = external.DiscreteVDDPMDenoiser(guided, alphas_of(pipe), quantize=False)
        close(sample(model, first_noise() * sampler.start, sigmas), expected)


@pytest.mark.parametrize("kind", ["epsilon", "sample"])
def test_models_that_predict_the_noise_or_the_sample(kind: str) -> None:
    pipe = tiny_pipe(sampler=scheduler(prediction_type=kind))
    preset = preset_of(pipe, Schedule.uniform(20, 5, 0, forecast="linear"), 20)
    with dato.applied(pipe, preset.schedule):
        expected = generate(pipe, 20, guidance_scale=1.0)
    text = prompts(1)["prompt_embeds"]

    def model(latents: Tensor, timestep: Tensor) -> Tensor:
        output: Tensor = pipe.unet(latents, timestep, text, return_dict=False)[0]
        return output

    sampler = dato.export_sampler(preset, pipe.scheduler)
    sigmas, sample = dato.kdiffusion(sampler)
    denoised = Denoised(model, alphas_of(pipe), kind)
    close(sample(denoised, noise(1) * sampler.start, sigmas), expected)


def test_models_of_flow_matching() -> None:
    family = FAMILIES["sd3"]()
    preset = preset_of(family.pipe, Schedule.uniform(20, 5, 0, forecast="linear"), 20)
    with dato.applied(family.pipe, preset.schedule):
        expected = family.generate(20, guidance_scale=1.0)
    inputs = family.inputs(1, (16, 16), 1)

    def model(x: Tensor, sigma: Tensor) -> Tensor:
        text = {
            "encoder_hidden_states": inputs["prompt_embeds"],
            "pooled_projections": inputs["pooled_prompt_embeds"],
        }
        velocity = family.denoiser(x, timestep=1000 * sigma, **text, return_dict=False)[0]
        clean: Tensor = x - sigma[:, None, None, None] * velocity
        return clean

    sigmas, sample = dato.kdiffusion(dato.export_sampler(preset, family.pipe.scheduler))
    with torch.no_grad():
        close(sample(model, inputs["latents"], sigmas), expected)


def sampler_of(name: str) -> PortableSampler:
    pipe, preset = exported(name)
    return dato.export_sampler(preset, pipe.scheduler)


def to_a_point(x: Tensor, sigma: Tensor) -> Tensor:
    """A model that knows one picture."""
    return torch.full_like(x, 0.5)


# Karras' levels on DPM-Solver++ lie beside the whole timesteps that the model is asked at.
@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"dpm karras"}))
def test_a_run_in_two_parts_ends_where_the_whole_one_does_on_a_straight_path(name: str) -> None:
    sampler = sampler_of(name)
    sigmas, sample = dato.kdiffusion(sampler)
    x = first_noise() * sigmas[0]
    whole = sample(to_a_point, x, sigmas)
    for cut in range(1, len(sigmas) - 1):
        early = sample(to_a_point, x, sigmas[: cut + 1])
        close(sample(to_a_point, early, sigmas[cut:]), whole)


def test_the_callback_comes_once_for_each_computed_call() -> None:
    sigmas, sample = dato.kdiffusion(sampler_of("unipc"))
    said: list[dict[str, Any]] = []
    x = first_noise() * sigmas[0]
    sample(lambda x, sigma, shift: x * 0 + shift, x, sigmas, {"shift": 0.5}, said.append, True)
    assert [each["i"] for each in said] == [0, 1, 2, 3]
    assert [float(each["sigma"]) for each in said] == sigmas[:-1].tolist()
    assert torch.equal(said[0]["x"], x)
    assert all(torch.equal(each["denoised"], torch.full_like(x, 0.5)) for each in said)


def test_half_precision_stays_what_it_is() -> None:
    sigmas, sample = dato.kdiffusion(sampler_of("dpm"))
    x = (first_noise() * sigmas[0]).half()
    assert sample(to_a_point, x, sigmas).dtype == torch.float16


@pytest.mark.parametrize("sigmas", [[10.0, 0.0], [], [4096.0, 1.0, 0.0]])
def test_other_noise_levels_are_refused(sigmas: list[float]) -> None:
    _, sample = dato.kdiffusion(sampler_of("ddim"))
    with pytest.raises(MismatchError, match="not this sampler's"):
        sample(to_a_point, first_noise(), torch.tensor(sigmas))


def test_nothing_of_diffusers_is_imported() -> None:
    code = (
        "import sys, dato\ndato.kdiffusion, dato.PortableSampler\n"
        "raise SystemExit('diffusers' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
