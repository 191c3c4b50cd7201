"""A preset holds every setting of its sampler: change any of them, and ``apply`` speaks."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import diffusers
import pytest

import dato
from dato.errors import MismatchError
from dato.preset import ModelInfo, Preset, SamplerInfo
from dato.scheduler_settings import defaults_of, settings_of, written
from tests.dato.tiny import scheduler, tiny_pipe

pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__")  # NumPy's, of diffusers' KDPM2

TEXTS = (
    *("leading", "linspace", "trailing", "scaled_linear", "linear", "squaredcos_cap_v2"),
    *("v_prediction", "sample", "epsilon", "heun", "midpoint", "bh1", "bh2", "sigma_min", "zero"),
    *("dpmsolver++", "sde-dpmsolver++", "dpmsolver", "fixed_small", "learned", "exponential"),
    *("log_rho", "continuous", "discrete", "linear_interpolation"),
)
UNINSTALLED = {"DPMSolverSDEScheduler"}  # needs a package that nothing else does
SAMPLERS = sorted(
    {"FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"}
    | {kind.__name__ for kind in diffusers.DDIMScheduler().compatibles} - UNINSTALLED
)


def others(value: Any) -> Iterator[Any]:
    """Values that a setting may have instead of ``value``."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value * 2 + 0.25, value / 2)
    elif isinstance(value, str):
        yield from (text for text in TEXTS if text != value)
    elif value is None:
        yield from (True, 0.5, [0.01, 0.02], "discrete")


def changed(kind: Any, config: dict[str, Any], name: str) -> Any:
    """A scheduler with another value of a setting; None where the class takes no other."""
    value = {**defaults_of(kind), **config}[name]
    for other in others(value):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = kind(**{**config, name: other})
        except (ImportError, IndexError, NotImplementedError, TypeError, ValueError, RuntimeError):
            continue
        if written(made.config[name]) != written(value):
            return made
    return None


def with_sampler(made: Any) -> Any:
    """A pipeline on a scheduler, which a pipeline's maker would ask to be of another setting."""
    pipe = tiny_pipe()
    pipe.scheduler = made
    return pipe


def found_on(made: Any) -> Preset:
    """A preset of a study on a scheduler."""
    sampler = SamplerInfo(type(made).__name__, 6, 6, 3.0, settings_of(made), "default")
    model = ModelInfo("tiny", 12, "", (16, 16))
    return Preset("tiny", model, sampler, dato.Schedule.full(6))


@pytest.mark.parametrize("name", SAMPLERS)
def test_change_any_setting_and_apply_gives_the_line_that_sets_it(name: str) -> None:
    kind = getattr(diffusers, name)
    betas = {"beta_schedule": "scaled_linear"} if "beta_schedule" in defaults_of(kind) else {}
    first, pipe, tried = kind(**betas), tiny_pipe(), 0
    preset = found_on(first)
    for setting in defaults_of(kind):
        other = changed(kind, betas, setting)
        if other is None:
            continue
        pipe.scheduler = other
        with pytest.raises(MismatchError, match=rf"with {setting}=") as error:
            dato.apply(pipe, preset)
        line = str(error.value).partition("Set it: ")[2].partition(". Or")[0]
        exec(line, {"pipe": pipe, name: kind})
        assert settings_of(pipe.scheduler) == settings_of(first)
        dato.remove(dato.apply(pipe, preset))
        tried += 1
    assert tried >= 2


@pytest.mark.parametrize("name", SAMPLERS)
def test_another_class_is_answered_with_the_line_too(name: str) -> None:
    preset, pipe = found_on(getattr(diffusers, name)()), tiny_pipe()
    if name == "DDIMScheduler":
        pipe.scheduler = diffusers.PNDMScheduler()
    with pytest.raises(MismatchError, match=f"from diffusers import {name}") as error:
        dato.apply(pipe, preset)
    line = str(error.value).partition("set it: ")[2].partition(". Or")[0]
    exec(line, {"pipe": pipe, name: getattr(diffusers, name)})
    dato.remove(dato.apply(pipe, preset))


def test_tables_and_infinite_numbers_are_written_and_compared() -> None:
    tables = diffusers.DDIMScheduler(trained_betas=[0.01, 0.02, 0.03], num_train_timesteps=3)
    settings = settings_of(tables)
    assert str(settings["trained_betas"]).startswith("sha256:")
    json.dumps(settings, allow_nan=False)
    preset = Preset.from_json(found_on(tables).to_json())
    dato.remove(dato.apply(with_sampler(tables), preset))
    other = diffusers.DDIMScheduler(trained_betas=[0.01, 0.02, 0.04], num_train_timesteps=3)
    with pytest.raises(MismatchError, match=r"pipe\.scheduler\.config\.trained_betas"):
        dato.apply(with_sampler(other), preset)
    assert written(float("-inf")) == "-inf"
    assert written(None) == "None"


def test_a_preset_that_does_not_say_what_others_are_takes_any() -> None:
    """As all did before studies wrote every setting."""
    sampler = scheduler(diffusers.DPMSolverMultistepScheduler, use_karras_sigmas=True)
    preset = found_on(sampler)
    older = replace(
        preset,
        sampler=replace(preset.sampler, settings={"use_karras_sigmas": True}, other_settings="any"),
    )
    assert older.version == 3
    pipe = with_sampler(scheduler(type(sampler), use_karras_sigmas=True, solver_order=1))
    dato.remove(dato.apply(pipe, older))
    with pytest.raises(MismatchError, match="solver_order=2"):
        dato.apply(pipe, preset)


def test_a_card_and_a_file_say_all_of_it() -> None:
    preset = found_on(diffusers.DPMSolverMultistepScheduler(use_karras_sigmas=True))
    assert preset.version == 4
    assert Preset.from_json(preset.to_json()) == preset
    line = "pipe.scheduler = DPMSolverMultistepScheduler(use_karras_sigmas=True)"
    assert line in preset.card()
