"""Process-wide defaults of torch change no image under a schedule."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, UniPCMultistepScheduler
from torch import Tensor

import dato
from dato.schedule import Kind, Schedule, Tokens
from tests.dato.tiny import PRUNE, noise, prompts, scheduler, tiny_pipe

STEPS = 6
_MAKES = {
    *("arange", "empty", "eye", "full", "linspace", "logspace", "ones", "rand", "randint"),
    *("randn", "randperm", "tensor", "zeros"),
}
PLANS = {
    "hold": Schedule.uniform(STEPS, 3, 0),
    "linear": Schedule.uniform(STEPS, 3, 0, forecast="linear"),
    "cut": Schedule.uniform(STEPS, 3, 1, forecast="linear"),
    "pruned": Schedule.uniform(STEPS, 3, 1, PRUNE),
    "pruned and held": Schedule(
        {"full": Kind("full", PRUNE), "held": Kind(0)},
        ("full", "held") * 3,
        tokens=Tokens(share="layer", protect=0.25),
    ),
}
SAMPLERS: dict[str, Any] = {
    "DDIM": lambda: scheduler(DDIMScheduler, steps_offset=1),
    "v": lambda: scheduler(DDIMScheduler, steps_offset=1, prediction_type="v_prediction"),
    "Euler": lambda: scheduler(EulerDiscreteScheduler, steps_offset=1),
    "UniPC": lambda: scheduler(UniPCMultistepScheduler, steps_offset=1),
}


@contextmanager
def default(name: str) -> Iterator[None]:
    if name == "meta":
        with torch.device("meta"):
            yield
        return
    torch.set_default_dtype(getattr(torch, name))
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def image(pipe: Any, inputs: dict[str, Any]) -> Tensor:
    made: Tensor = pipe(
        **inputs,
        height=128,
        width=128,
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        output_type="latent",
    ).images
    return made


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", ["float64", "meta"])
def test_an_image_is_the_same_under_other_defaults(
    name: str, plan: str, sampler: str, fuse: bool
) -> None:
    inputs: dict[str, Any] = {**prompts(1), "latents": noise(1)}
    pipe, other = tiny_pipe(sampler=SAMPLERS[sampler]()), tiny_pipe(sampler=SAMPLERS[sampler]())
    try:
        with default(name):
            image(other, inputs)
    except (NotImplementedError, RuntimeError):
        pytest.skip("the sampler itself makes tensors that it does not name the device of")
    with dato.applied(pipe, PLANS[plan], fuse=fuse):
        expected = image(pipe, inputs)
    with default(name), dato.applied(pipe, PLANS[plan], fuse=fuse):
        result = image(pipe, inputs)
    assert result.dtype == expected.dtype
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)


def calls() -> Iterator[tuple[str, ast.Call]]:
    root = Path(dato.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "torch":
                yield f"{path.relative_to(root)}:{node.lineno}", node


def test_every_tensor_that_the_engine_makes_names_its_type_and_device() -> None:
    for place, call in calls():
        assert isinstance(call.func, ast.Attribute)
        names = {keyword.arg for keyword in call.keywords}
        if call.func.attr in _MAKES and None not in names:
            assert names >= {"dtype", "device"}, place
