"""Timesteps that a run is given: those are where the pipeline asks its denoiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_utils import AysSchedules

from search.errors import TrialError
from search.model.ays import ays_timesteps
from search.model.base_sampler import based, settled, takers
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.samplers import set_scheduler
from search.model.workload import Workload
from search.records.base_sampler import Base
from search.records.timesteps import Timesteps
from search.settings.model import ArchitectureName

DPM, EULER, UNIPC = (
    f"{name}Scheduler" for name in ("DPMSolverMultistep", "EulerDiscrete", "UniPCMultistep")
)
FLOW = "FlowMatchEulerDiscreteScheduler"
PLANNED = Timesteps("planned", (999.0, 800.0, 450.0, 90.0))
PUBLISHED: dict[str, list[int]] = AysSchedules  # type: ignore[assignment]
TAKERS: dict[ArchitectureName, tuple[str, ...]] = {
    "sd15": (DPM, EULER),
    "sdxl": (DPM, EULER),
    "sd3": (UNIPC, FLOW),
    "flux-dev": (FLOW,),  # its pipeline drops the sigmas of UniPC
}


@pytest.fixture(scope="module", params=TAKERS)
def model(request: pytest.FixtureRequest) -> tuple[ArchitectureName, Generator]:
    name: ArchitectureName = request.param
    return name, tiny(name)


def test_the_samplers_that_take_them_are_known(model: tuple[ArchitectureName, Generator]) -> None:
    name, generator = model
    samplers = (DPM, EULER, UNIPC, FLOW, "DDIMScheduler", "PNDMScheduler")
    assert takers(generator, samplers) == TAKERS[name]


def test_the_denoiser_is_asked_at_them_and_nowhere_else(
    model: tuple[ArchitectureName, Generator],
) -> None:
    name, generator = model
    for sampler in TAKERS[name]:
        (known,) = settled(generator, [Base(sampler, 4, timesteps=PLANNED)])
        assert not isinstance(known, str), known
        assert known.calls == 4
        with based(generator, known.base) as other:
            latents = other.loop(0)
            made = other.pipe.scheduler.timesteps.tolist()
            alone = other.one_image(other.workload, 0)
            assert torch.equal(alone.loop(0), latents)
        assert made == pytest.approx(PLANNED.values, abs=1.0)
        assert torch.isfinite(latents).all()
    assert not generator.given


def test_settings_that_move_them_are_put_back() -> None:
    generator = tiny("sd15", DPM, {"use_karras_sigmas": True})
    base = Base(DPM, 4, timesteps=PLANNED)
    with pytest.raises(TrialError, match="use_karras_sigmas"), based(generator, base):
        pass
    (known,) = settled(generator, [base])
    assert not isinstance(known, str)
    assert dict(known.base.settings) == {"use_karras_sigmas": False}


def test_a_sampler_that_takes_none_costs_only_whoever_asked_for_it() -> None:
    generator = tiny("sd15")
    for base in (Base(UNIPC, 4, timesteps=PLANNED), Base(DPM, 4, timesteps=Timesteps("planned"))):
        with pytest.raises(TrialError), based(generator, base):
            pass


def test_ten_steps_of_align_your_steps_are_as_published() -> None:
    assert list(ays_timesteps(tiny("sd15").pipe, 10)) == PUBLISHED["StableDiffusionTimesteps"]
    assert list(ays_timesteps(tiny("sdxl").pipe, 10)) == PUBLISHED["StableDiffusionXLTimesteps"]


def test_other_numbers_of_steps_lie_between_them() -> None:
    pipe = tiny("sd15").pipe
    twenty, five = ays_timesteps(pipe, 20), ays_timesteps(pipe, 5)
    for steps, every in ((twenty[::2], 1), (five, 2)):
        assert steps == pytest.approx(PUBLISHED["StableDiffusionTimesteps"][::every], abs=3)
    assert list(twenty) == sorted(set(twenty), reverse=True)


def test_models_of_other_noise_schedules_have_none() -> None:
    assert ays_timesteps(tiny("pixart").pipe, 10) == ays_timesteps(tiny("sd3").pipe, 10) == ()
    rescaled = tiny("sd21").pipe
    set_scheduler(rescaled, "DDIMScheduler", {"rescale_betas_zero_snr": True})
    assert ays_timesteps(rescaled, 10) == ()


def tiny(
    name: ArchitectureName, scheduler: str = "own", settings: Mapping[str, Any] = {}
) -> Generator:
    config = ModelConfig(
        weights="tiny",
        architecture=name,
        scheduler=scheduler,
        scheduler_settings=settings,
        num_inference_steps=6,
        guidance_scale=3.0,
        batch_size=1,
    )
    return Generator(config, Workload(("a red circle",), 1))
