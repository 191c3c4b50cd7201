"""What the sampler does with a model, by the interface that ComfyUI's samplers see."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import dato
from dato import MismatchError, PortableSampler
from tests.dato.denoised import Denoised, alphas_of
from tests.dato.exported import exported
from tests.dato.guided import SCALE, Guided, by_engine

pytestmark = pytest.mark.filterwarnings("ignore:The configuration file")


class V_PREDICTION:  # noqa: N801 - ComfyUI's name
    """A model's noise levels, and what its output is."""

    def __init__(self, sigmas: Tensor) -> None:
        self.sigmas = sigmas

    def calculate_denoised(self) -> None:
        """What is asked for is the class that has it."""

    @property
    def sigma_max(self) -> Tensor:
        return self.sigmas[-1]

    def timestep(self, sigma: Tensor) -> Tensor:
        return (sigma.log() - self.sigmas.log()).abs().argmin()


class EDM(V_PREDICTION):
    """Another output, as ComfyUI derives one from the other."""

    def calculate_denoised(self) -> None:
        """Another."""


class Shifted(V_PREDICTION):
    """A class of a custom node, with the same output."""


class Model:
    """The clean samples of a pipeline's model, with what a run begins with."""

    def __init__(self, pipe: Any, noise: Tensor, picture: Tensor, scale: float = SCALE) -> None:
        sigmas = ((1 - alphas_of(pipe)) / alphas_of(pipe)).sqrt()
        guided = SimpleNamespace(model_sampling=Shifted(sigmas))
        self.inner_model = SimpleNamespace(inner_model=guided, cfg=scale)
        self.noise, self.latent_image = noise, picture
        self._denoised = Denoised(Guided(pipe), alphas_of(pipe), "v_prediction")

    def __call__(self, x: Tensor, sigma: Tensor, **_: Any) -> Tensor:
        return self._denoised(x, sigma)


def noise(seed: int = 5) -> Tensor:
    return torch.randn(1, 6, 32, 32, generator=torch.Generator().manual_seed(seed))


EMPTY = torch.zeros(1, 6, 32, 32)


def run_of(pack: Any, name: str = "ddim") -> tuple[Any, Any, PortableSampler]:
    """The pipeline, what KSAMPLER calls, and the sampler."""
    from integrations.comfyui.run import Run

    pipe, preset = exported(name)
    sampler = dato.export_sampler(preset, pipe.scheduler)
    return pipe, Run(sampler), sampler


def close(result: Tensor, expected: Tensor) -> None:
    bound = 5e-4 * float(expected.abs().max())
    torch.testing.assert_close(result, expected, rtol=0, atol=bound)


def test_from_an_empty_latent_it_makes_the_engine_s_picture(pack: Any) -> None:
    pipe, run, _ = run_of(pack)
    with dato.applied(pipe, exported("ddim")[1]):
        expected = by_engine(pipe, noise(), 20)
    x = noise() * run.sigmas[0]
    close(run(Model(pipe, noise(), EMPTY), x, run.sigmas), expected)


def test_from_a_picture_it_takes_what_comfyui_makes_of_it(pack: Any) -> None:
    pipe, run, sampler = run_of(pack)
    picture = noise(6)
    x = picture + noise() * run.sigmas[2]
    model = Model(pipe, noise(), picture)
    result = run(model, x, run.sigmas[2:])
    close(result, dato.kdiffusion(sampler)[1](model, x, run.sigmas[2:]))


def test_an_interrupted_run_leaves_nothing_behind(pack: Any) -> None:
    pipe, run, _ = run_of(pack)
    model, x = Model(pipe, noise(), EMPTY), noise() * run.sigmas[0]

    def interrupt(place: dict[str, Any]) -> None:
        if place["i"] == 1:
            raise KeyboardInterrupt

    whole = run(model, x, run.sigmas)
    with pytest.raises(KeyboardInterrupt):
        run(model, x, run.sigmas, callback=interrupt)
    assert torch.equal(run(model, x, run.sigmas), whole)


def test_another_guidance_scale_or_size_is_said(
    pack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from integrations.comfyui.words import other_settings

    pipe, run, sampler = run_of(pack)
    with caplog.at_level(logging.WARNING):
        run(Model(pipe, noise(), EMPTY), noise(), run.sigmas[:2])
        assert not caplog.records
        run(Model(pipe, noise(), EMPTY, scale=7.5), noise(), run.sigmas[:2])
    assert "The guidance scale is 7.5; pocket/exported was made for" in caplog.text
    (said,) = other_settings(sampler, 2.0, (1, 6, 32, 48))
    assert said.startswith("The latents are 32 x 48;")
    assert not list(other_settings(sampler, None, (1, 6, 99)))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"prediction": "epsilon"}, "predict epsilon, but v_prediction here"),
        ({"prediction": "flow_prediction"}, "predict flow_prediction"),
    ],
)
def test_another_prediction_is_refused(pack: Any, change: dict[str, Any], fault: str) -> None:
    from integrations.comfyui.model_check import check_model

    pipe, _, sampler = run_of(pack)
    levels = Model(pipe, noise(), EMPTY).inner_model.inner_model.model_sampling
    check_model(sampler, levels)
    with pytest.raises(MismatchError, match=fault):
        check_model(sampler.model_copy(update=change), levels)
    with pytest.raises(MismatchError, match="EDM here"):
        check_model(sampler, EDM(levels.sigmas))


def test_other_noise_levels_of_the_model_are_refused(pack: Any) -> None:
    from integrations.comfyui.model_check import check_model

    pipe, _, sampler = run_of(pack)
    sigmas = Model(pipe, noise(), EMPTY).inner_model.inner_model.model_sampling.sigmas
    with pytest.raises(MismatchError, match=r"begin at the noise level 4096, but.*14\.6"):
        check_model(sampler, V_PREDICTION(sigmas.clamp_max(14.6)))
    with pytest.raises(MismatchError, match="at timestep 749, but it is at"):
        check_model(sampler, V_PREDICTION(torch.cat([sigmas[:-1] ** 1.1, sigmas[-1:]])))
    louder = V_PREDICTION(sigmas)
    vars(louder)["noise_scale"] = 0.5
    with pytest.raises(MismatchError, match=r"deviation 1, but this model's has 0\.5"):
        check_model(sampler, louder)
