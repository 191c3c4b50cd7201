"""A sampler file makes the engine's image in NumPy, read by the text that the docs print."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

import dato
from dato import Kind, PortableSampler, Schedule, UnsupportedError
from dato.errors import MismatchError, SamplerFileError
from tests.dato.documented_reader import documented
from tests.dato.exported import SAMPLERS, STEPS, exported, preset_of
from tests.dato.guided import Guided, by_engine
from tests.dato.models import FAMILIES
from tests.dato.tiny import scheduler, tiny_pipe

pytestmark = pytest.mark.filterwarnings(
    "ignore:The configuration file", "ignore:__array_wrap__ must accept"
)


def test_the_reader_has_at_most_thirty_lines_and_needs_numpy_alone() -> None:
    text, _ = documented()
    assert len(text.strip().splitlines()) <= 30
    assert {line for line in text.splitlines() if "import" in line} == {
        "import json",
        "import numpy as np",
    }


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_reader_makes_the_engine_s_image(name: str, tmp_path: Path) -> None:
    pipe, preset = exported(name)
    noise = torch.randn(1, 6, 32, 32, generator=torch.Generator().manual_seed(5))
    with dato.applied(pipe, preset):
        expected = by_engine(pipe, noise, preset.sampler.num_inference_steps).numpy()
        sampler = dato.export_sampler(preset, pipe.scheduler)
    sampler.save(tmp_path / "sampler.json")
    guided = Guided(pipe)

    def model(latents: Any, timestep: float) -> Any:
        return guided(torch.as_tensor(latents, dtype=torch.float32), timestep).numpy()

    _, sample = documented()
    latents = sample(str(tmp_path / "sampler.json"), noise.numpy(), model)
    np.testing.assert_allclose(latents, expected, rtol=0, atol=1e-4 * abs(expected).max())
    assert len(sampler.calls) < preset.schedule.calls or preset.schedule.tuned is not None
    assert PortableSampler.load(tmp_path / "sampler.json") == sampler


def test_noise_levels_are_those_of_the_trained_timesteps() -> None:
    pipe, preset = exported("dpm")
    for call in dato.export_sampler(preset, pipe.scheduler).calls[1:]:
        alpha = float(pipe.scheduler.alphas_cumprod[int(call.timestep)])
        assert call.sigma == pytest.approx(((1 - alpha) / alpha) ** 0.5, rel=1e-5)
        assert call.norm == pytest.approx(alpha**-0.5, rel=1e-5)


def test_under_flow_matching_a_noise_level_is_the_share_of_the_noise() -> None:
    pipe = FAMILIES["sd3"]().pipe
    preset = preset_of(pipe, Schedule.uniform(10, 5, 0), 10)
    sampler = dato.export_sampler(preset, pipe.scheduler)
    assert sampler.flow
    assert [call.sigma for call in sampler.calls] == pytest.approx(
        [call.timestep / 1000 for call in sampler.calls]
    )


def test_a_scheduler_that_needs_more_than_steps_is_taken_after_set_timesteps() -> None:
    pipe = FAMILIES["flux-dev"]().pipe
    pipe.scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    preset = preset_of(pipe, Schedule.uniform(10, 5, 0), 10)
    with pytest.raises(UnsupportedError, match="Call its set_timesteps first"):
        dato.export_sampler(preset, pipe.scheduler)
    pipe.scheduler.set_timesteps(10, mu=0.7)
    timesteps = pipe.scheduler.timesteps
    calls = dato.export_sampler(preset, pipe.scheduler).calls
    assert [call.timestep for call in calls] == timesteps[[0, 5]].tolist()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Kind("full", {"level_0": 0.5}), "prunes tokens"), (Kind(2), "recomputes to depth 2")],
)
def test_what_happens_inside_the_denoiser_is_refused(kind: Kind, reason: str) -> None:
    pipe = tiny_pipe()
    schedule = Schedule({"full": Kind(), "other": kind}, ("full", "other"))
    with pytest.raises(UnsupportedError, match=reason):
        dato.export_sampler(preset_of(pipe, schedule, 2), pipe.scheduler)


def test_a_sampler_that_draws_noise_is_refused_with_the_reason() -> None:
    pipe = tiny_pipe(sampler=scheduler(diffusers.EulerAncestralDiscreteScheduler))
    with pytest.raises(UnsupportedError, match="clips, or draws noise"):
        dato.export_sampler(preset_of(pipe, Schedule.uniform(4, 2, 0), 4), pipe.scheduler)


def test_another_scheduler_than_the_preset_s_is_refused() -> None:
    pipe, preset = exported("ddim")
    other = diffusers.EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    with pytest.raises(MismatchError, match="EulerDiscreteScheduler"):
        dato.export_sampler(preset, other)
    assert preset.schedule.calls == STEPS


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    pipe, preset = exported("ddim")
    plain = json.loads(dato.export_sampler(replace(preset), pipe.scheduler).to_json())
    change(plain)
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda file: file.update(version=2), "version 2"),
        (lambda file: file.update(format="dato-preset"), "no sampler file"),
        (lambda file: file.update(more=1), "more is wrong"),
        (lambda file: file.pop("prediction"), "prediction is wrong"),
        (lambda file: file.update(calls=[]), "calls is wrong"),
        (lambda file: file["calls"][1].update(sigma=0), "calls.1.sigma is wrong"),
        (lambda file: file["calls"][0].update(outputs=[1, 2]), "call 0 has 2 weights of outputs"),
        (lambda file: file["calls"][0].update(latents=["1"]), "calls.0.latents.0 is wrong"),
        (lambda file: file["calls"][0].update(latents=[float("nan")]), "calls.0.latents.0"),
    ],
)
def test_each_broken_rule_is_named(change: Callable[[dict[str, Any]], object], fault: str) -> None:
    with pytest.raises(SamplerFileError, match=fault):
        PortableSampler.from_json(edited(change))


@pytest.mark.parametrize("text", ["", "[]", '{"format": "dato-sampler"', '{"a": 1, "a": 2}'])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(SamplerFileError):
        PortableSampler.from_json(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SamplerFileError, match=r"absent\.json"):
        PortableSampler.load(tmp_path / "absent.json")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, "no\0path"):
        with pytest.raises(SamplerFileError, match="Cannot read the sampler file"):
            PortableSampler.load(place)
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xe9"}')
    with pytest.raises(SamplerFileError, match="not UTF-8"):
        PortableSampler.load(tmp_path / "latin.json")


def test_timesteps_of_a_preset_take_the_place_of_the_scheduler_s() -> None:
    preset = dato.load_preset("sd15/ays-10")
    linear = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    solver = diffusers.DPMSolverMultistepScheduler(**linear)
    calls = dato.export_sampler(preset, solver).calls
    assert [call.timestep for call in calls] == list(preset.sampler.timesteps)


def test_a_scheduler_that_is_at_others_is_refused() -> None:
    pipe = FAMILIES["flux-dev"]().pipe
    pipe.scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    preset = preset_of(pipe, Schedule.full(2), 2)
    preset = replace(preset, sampler=replace(preset.sampler, timesteps=(900.0, 100.0)))
    pipe.scheduler.set_timesteps(2, mu=0.7)
    with pytest.raises(UnsupportedError, match=r"but the preset's are \[900, 100\]"):
        dato.export_sampler(preset, pipe.scheduler)
