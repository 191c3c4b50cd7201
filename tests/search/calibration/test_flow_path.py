"""Calibrations of flow-matching samplers: velocities, and how far each call moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler

from search.calibration.measure import measure_calibration
from search.calibration.sampler_path import SamplerPath
from search.calibration.table import Calibration
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.settings.model import ArchitectureName
from tests.search.calibration.made_up import calibration, wandering


@pytest.mark.parametrize("kind", [FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler])
def test_an_error_of_a_velocity_moves_the_latents_as_far_as_the_path_says(kind: Any) -> None:
    errors = np.array([0.3, -0.2, 0.5, 0.1, 0.0])  # a last call of Heun takes no second half

    def latents(wrong: bool) -> float:
        sampler = kind(shift=3.0)
        sampler.set_timesteps(5 if kind is FlowMatchEulerDiscreteScheduler else 3)
        sample = torch.zeros(1, dtype=torch.float64)
        for timestep, error in zip(sampler.timesteps, errors, strict=True):
            velocity = torch.tensor([1.0 + error * wrong], dtype=torch.float64)
            sample = sampler.step(velocity, timestep, sample).prev_sample
        return float(sample)

    sampler = kind(shift=3.0)
    sampler.set_timesteps(5 if kind is FlowMatchEulerDiscreteScheduler else 3)
    times, sigmas = sampler.timesteps.double().numpy(), sampler.sigmas[:5].double().numpy()
    path = SamplerPath.of_flow(times, sigmas)
    assert latents(True) - latents(False) == pytest.approx(float(path.moves @ errors), abs=1e-5)
    assert (path.gains == 1).all()


@pytest.mark.parametrize("name", ["sd35-medium", "flux-dev"])
def test_a_calibration_of_a_flow_model_has_its_velocities_and_its_path(
    name: ArchitectureName,
) -> None:
    model = ModelConfig(
        weights="tiny",
        architecture=name,
        scheduler="FlowMatchEulerDiscreteScheduler",
        num_inference_steps=4,
    )
    workload = Workload(("a red circle", "snow"), 1)
    generator = Generator(model, workload)
    found = measure_calibration(generator, workload, (1, 2))
    outputs: list[torch.Tensor] = []
    handle = generator.denoiser.register_forward_hook(lambda *every: outputs.append(every[2][0]))
    generator.loop(0)
    handle.remove()
    if generator.guided:
        halves = [output.chunk(2) for output in outputs]
        outputs = [torch.lerp(first, second, model.guidance_scale) for first, second in halves]
    flat = torch.stack([output.flatten().double() for output in outputs])
    assert found.output == pytest.approx((flat @ flat.T).numpy(), rel=1e-3)
    assert found.alphas is None
    assert found.sigmas is not None
    assert found.sigmas == pytest.approx(generator.pipe.scheduler.sigmas[:4].numpy(), abs=1e-6)
    assert found.path is not None
    assert set(found.cuts) == {1, 2}
    assert all((response[1:] > 0).all() for response in found.response.values())


def test_the_path_of_a_flow_comes_back_from_its_file(tmp_path: Path) -> None:
    sigmas = np.linspace(1, 0.1, 6)
    own = replace(calibration(wandering(6, 1), alphas=False), sigmas=sigmas)
    own.save(tmp_path / "flow.safetensors")
    found = Calibration.load(tmp_path / "flow.safetensors")
    assert found.sigmas is not None
    assert (found.sigmas == sigmas).all()
    assert found.path is not None
    assert found.path.moves == pytest.approx(np.diff(np.append(sigmas, 0.0)))
