"""A sampler of diffusion on a model of flow matching is noticed, and no other one is."""

from __future__ import annotations

import re
import warnings
from typing import Any

import diffusers
import pytest
import torch

import dato
from dato import Kind, MismatchError, Schedule, TunedSampler
from dato.errors import SettingWarning
from dato.pocket import load_pipeline
from tests.dato.models import FAMILIES
from tests.dato.sampler.schedulers import DIFFUSION, FLOW, of_diffusion

pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__")
SCHEDULE = Schedule.uniform(4, 2, 0)
TUNED = Schedule(
    {"full": Kind()}, ("full",) * 2, tuned=TunedSampler((900.0, 400.0), ((1.0,), (1.0,)))
)
SAMPLERS = ("UniPCMultistepScheduler", "DPMSolverMultistepScheduler", "EulerDiscreteScheduler")
PROMPT = "a red circle on a white background"
FAST = dato.load_preset("pocket-flow/fast").schedule


@pytest.fixture
def pocket() -> Any:
    pipe = load_pipeline("pocket-flow")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def swapped(pipe: Any, name: str) -> None:
    """What a person types."""
    pipe.scheduler = getattr(diffusers, name).from_config(pipe.scheduler.config)


def follow(pipe: Any, text: str) -> None:
    (line,) = re.findall(r"Set pipe\.scheduler = (\w+\.from_config\(.+\)), and call", text)
    pipe.scheduler = eval(line, {**vars(diffusers), "pipe": pipe})


def heard(family: Any, schedule: Schedule, **options: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with dato.applied(family.pipe, schedule, **options):
            family.generate(4)
    return [str(each.message) for each in said if each.category is SettingWarning]


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_tuned_sampler_is_refused_with_the_line_that_lets_it_run(pocket: Any, name: str) -> None:
    wanted = pocket.scheduler.config.shift
    expected = run(pocket, FAST, 4)
    swapped(pocket, name)
    with pytest.raises(MismatchError, match=rf"{name} \(prediction_type='epsilon'") as raised:
        dato.apply(pocket, FAST)
    assert "does not run flow matching" in str(raised.value)
    follow(pocket, str(raised.value))
    config = pocket.scheduler.config
    assert config.get("flow_shift", config.get("shift")) == wanted
    torch.testing.assert_close(run(pocket, FAST, 4), expected)


def run(pipe: Any, schedule: Schedule, steps: int) -> Any:
    with dato.applied(pipe, schedule):
        seeded = torch.Generator().manual_seed(1)
        call = {"num_inference_steps": steps, "generator": seeded, "output_type": "latent"}
        return pipe(PROMPT, **call).images


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("name", SAMPLERS)
def test_any_other_schedule_says_it_once_a_run(name: str, fuse: bool) -> None:
    """FLUX's pipeline itself refuses such samplers."""
    family = FAMILIES["sd3"]()
    swapped(family.pipe, name)
    (said,) = heard(family, SCHEDULE, fuse=fuse)
    assert f"The {name} (prediction_type='epsilon'" in said
    assert "its images are not what the model makes" in said
    follow(family.pipe, said)
    assert heard(family, SCHEDULE, fuse=fuse) == []


def test_half_told_is_not_told() -> None:
    family = FAMILIES["sd3"]()
    for half in ({"prediction_type": "flow_prediction"}, {"use_flow_sigmas": True}):
        family.pipe.scheduler = diffusers.UniPCMultistepScheduler(**half)
        (said,) = heard(family, SCHEDULE)
        follow(family.pipe, said)
        assert heard(family, SCHEDULE) == []


@pytest.mark.parametrize("name", FLOW)
def test_samplers_of_flow_matching_are_silent(name: str) -> None:
    kind, config = FLOW[name]
    family = FAMILIES["sd3"]()
    family.pipe.scheduler = getattr(diffusers, kind)(**config)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SettingWarning)
        with dato.applied(family.pipe, SCHEDULE, resample="nearest"):
            family.generate(4)
        if name != "map":  # which takes no tuned sampler
            dato.apply(family.pipe, TUNED)


@pytest.mark.parametrize("model", ["sd15", "sd21", "sdxl", "pixart", "sd3", "flux-schnell"])
def test_every_family_is_silent_on_its_own_sampler(model: str) -> None:
    assert heard(FAMILIES[model](), SCHEDULE) == []


@pytest.mark.parametrize("name", [name for name in DIFFUSION if "inverse" not in name])
@pytest.mark.parametrize("model", ["sd15", "pixart"])
def test_models_of_diffusion_take_any_sampler(model: str, name: str) -> None:
    family = FAMILIES[model]()
    family.pipe.scheduler = of_diffusion(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SettingWarning)
        with dato.applied(family.pipe, SCHEDULE, resample="nearest"):
            family.generate(4)


@pytest.mark.parametrize("model", ["sd15", "pixart"])
def test_a_tuned_sampler_of_another_model_is_refused_for_that(model: str) -> None:
    with pytest.raises(MismatchError, match=r"begins at timestep 1000.*Use a preset of this model"):
        dato.apply(FAMILIES[model]().pipe, FAST)
