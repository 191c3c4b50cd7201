"""A preset file makes one picture: by diffusers, in k-diffusion's form and by the NumPy reader."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import dato
from dato import Kind, Preset, Schedule, TunedSampler, UnsupportedError
from dato.anywhere import portable_sampler
from dato.errors import SamplerFileError, UnknownPresetError
from dato.preset.fields import Setting
from dato.scheduler_settings import settings_of
from tests.dato.denoised import Denoised, alphas_of
from tests.dato.documented_reader import documented
from tests.dato.exported import exported, preset_of
from tests.dato.guided import Guided, by_engine
from tests.dato.models import FAMILIES

pytestmark = pytest.mark.filterwarnings(
    "ignore:The configuration file", "ignore:__array_wrap__ must accept"
)


def as_studies_write(name: str) -> tuple[Any, Preset]:
    """A pipeline, and a preset that says every setting of its scheduler."""
    pipe, preset = exported(name)
    settings = settings_of(pipe.scheduler)
    return pipe, with_settings(preset, settings, others="default")


def with_settings(preset: Preset, settings: Mapping[str, Setting], others: Any) -> Preset:
    return replace(
        preset, sampler=replace(preset.sampler, settings=settings, other_settings=others)
    )


def picture(pipe: Any, latents: Tensor) -> Any:
    with torch.no_grad():
        image = pipe.vae.decode(latents.float() / pipe.vae.config.scaling_factor).sample
    return pipe.image_processor.postprocess(image, output_type="np")


@pytest.mark.parametrize("name", ["ddim", "unipc", "tuned"])
def test_a_preset_file_makes_one_picture_everywhere(name: str, tmp_path: Path) -> None:
    pipe, preset = as_studies_write(name)
    preset.save(tmp_path / "preset.json")
    noise = torch.randn(1, 6, 32, 32, generator=torch.Generator().manual_seed(5))
    with dato.applied(pipe, tmp_path / "preset.json"):
        by_diffusers = by_engine(pipe, noise, preset.sampler.num_inference_steps)

    sampler = portable_sampler(tmp_path / "preset.json")
    sigmas, sample = dato.kdiffusion(tmp_path / "preset.json")
    model = Denoised(Guided(pipe), alphas_of(pipe), "v_prediction")
    by_k_diffusion = sample(model, noise * sampler.start, sigmas)

    sampler.save(tmp_path / "sampler.json")
    guided = Guided(pipe)
    by_numpy = documented()[1](
        str(tmp_path / "sampler.json"),
        noise.numpy(),
        lambda x, t: guided(torch.as_tensor(x, dtype=torch.float32), t).numpy(),
    )
    wanted = picture(pipe, by_diffusers)
    for latents in (by_k_diffusion, torch.as_tensor(by_numpy)):
        np.testing.assert_allclose(picture(pipe, latents), wanted, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["dpm karras", "euler"])
def test_a_preset_s_settings_make_the_pipeline_s_scheduler(name: str) -> None:
    pipe, preset = as_studies_write(name)
    assert portable_sampler(preset) == dato.export_sampler(preset, pipe.scheduler)


def test_a_sampler_file_is_taken_where_a_preset_is(tmp_path: Path) -> None:
    pipe, preset = exported("ddim")
    sampler = dato.export_sampler(preset, pipe.scheduler)
    sampler.save(tmp_path / "sampler.json")
    assert portable_sampler(tmp_path / "sampler.json") == sampler
    assert portable_sampler(str(tmp_path / "sampler.json")) == sampler
    assert portable_sampler(sampler) is sampler


@pytest.mark.parametrize(
    ("settings", "others", "reason"),
    [
        ({}, "any", "does not say every setting"),
        ({"trained_betas": "sha256:00"}, "default", "does not say every setting"),
        ({"no_such_setting": 1}, "default", "do not fit"),
    ],
)
def test_a_preset_that_says_too_little_names_the_command(
    settings: dict[str, Any], others: str, reason: str
) -> None:
    _, preset = exported("ddim")
    with pytest.raises(UnsupportedError, match=f"{reason}.*dato-search export-sampler"):
        dato.kdiffusion(with_settings(preset, settings, others))


@pytest.mark.parametrize("name", ["UNet2DConditionModel", "load_image", "NoSuchScheduler"])
def test_a_preset_makes_nothing_but_schedulers(name: str) -> None:
    _, preset = as_studies_write("ddim")
    other = replace(preset, sampler=replace(preset.sampler, scheduler=name))
    with pytest.raises(UnsupportedError, match=f"no scheduler of the installed.*{name}"):
        dato.kdiffusion(other)


def test_noise_levels_of_flow_matching_need_the_pipeline() -> None:
    pipe = FAMILIES["sd3"]().pipe
    preset = preset_of(pipe, Schedule.uniform(10, 5, 0), 10)
    preset = with_settings(preset, settings_of(pipe.scheduler), "default")
    with pytest.raises(UnsupportedError, match="which noise levels its pipeline passes"):
        dato.kdiffusion(preset)
    tuned = Schedule({"full": Kind()}, ("full",) * 2, tuned=TunedSampler((1000, 400), ((1,), (1,))))
    sampler = replace(preset.sampler, calls=2, num_inference_steps=2)
    assert portable_sampler(replace(preset, schedule=tuned, sampler=sampler)).flow


def test_a_preset_that_prunes_is_refused() -> None:
    _, preset = exported("tuned")
    pruned = Schedule({"full": Kind(prune={"level_0": 0.5})}, ("full",) * 4)
    with pytest.raises(UnsupportedError, match="prunes tokens"):
        dato.kdiffusion(replace(preset, schedule=pruned))


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownPresetError, match="nothing/like-it"):
        dato.kdiffusion("nothing/like-it")
    (tmp_path / "other.json").write_text('{"format": "other"}')
    with pytest.raises(SamplerFileError, match="no sampler file"):
        dato.kdiffusion(tmp_path / "other.json")


def test_a_sampler_file_runs_without_diffusers(tmp_path: Path) -> None:
    pipe, preset = as_studies_write("tuned")
    dato.export_sampler(preset, pipe.scheduler).save(tmp_path / "sampler.json")
    preset.save(tmp_path / "preset.json")
    code = f"""
import sys
sys.modules.update(diffusers=None, transformers=None)
import dato, torch
sigmas, sample = dato.kdiffusion({str(tmp_path / "sampler.json")!r})
sample(lambda x, sigma: x * 0, torch.zeros(1, 4, 8, 8), sigmas)
try:
    dato.kdiffusion({str(tmp_path / "preset.json")!r})
except dato.UnsupportedError as error:
    assert "needs diffusers, which is not installed" in str(error)
else:
    raise SystemExit(1)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
