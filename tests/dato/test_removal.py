"""Removal always works, whatever another tool has put on top since."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch

import dato
from dato.errors import UnsupportedError
from dato.schedule import Schedule
from tests.dato.test_apply import state
from tests.dato.tiny import PRUNE, generate, generated, tiny_unet

SCHEDULE = Schedule.uniform(6, 3, 1, PRUNE)
Undo = Callable[[], None]


def wrapper(pipe: Any) -> Undo:
    """A user's own function around the forward."""
    unet, own = pipe.unet, pipe.unet.forward
    unet.forward = lambda *args, **kwargs: own(*args, **kwargs)

    def undo() -> None:
        unet.forward = own

    return undo


class Helper:
    """Keeps the forward in a dictionary of its own, as DeepCache's helper does."""

    def __init__(self, pipe: Any) -> None:
        self.unet, self.functions = pipe.unet, {"forward": pipe.unet.forward}
        self.unet.forward = lambda *args, **kwargs: self.functions["forward"](*args, **kwargs)

    def undo(self) -> None:
        self.unet.forward = self.functions["forward"]


def block_offload(pipe: Any) -> Undo:
    """diffusers' hooks on the denoiser and its blocks."""
    unet = pipe.unet
    unet.enable_group_offload(
        onload_device=torch.device("cpu"), offload_type="block_level", num_blocks_per_group=1
    )

    def undo() -> None:
        for name in ("layer_execution_tracker", "group_offloading"):
            unet._diffusers_hook.remove_hook(name, recurse=True)

    return undo


def compiled(pipe: Any) -> Undo:
    """The pipeline's attribute holds another module."""
    unet = pipe.unet
    pipe.unet = torch.compile(unet, backend="eager")

    def undo() -> None:
        pipe.unet = unet

    return undo


TOOLS: dict[str, Callable[[Any], Undo]] = {
    "wrapper": wrapper,
    "helper": lambda pipe: Helper(pipe).undo,
    "block offload": block_offload,
    "compiled": compiled,
}


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("block", [True, False])
def test_under_another_tool_the_denoisers_own_result_comes_back(
    pipe: Any, name: str, block: bool
) -> None:
    unet, expected, before = pipe.unet, generate(pipe), hooks(pipe.unet)
    if block:
        with dato.applied(pipe, SCHEDULE):
            undo = TOOLS[name](pipe)
    else:
        dato.apply(pipe, SCHEDULE)
        undo = TOOLS[name](pipe)
        dato.remove(pipe)
    assert torch.equal(generate(pipe), expected)
    undo()
    assert getattr(unet.forward, "__func__", None) is type(unet).forward
    assert hooks(unet) == before
    assert torch.equal(generate(pipe), expected)
    assert not torch.equal(generated(pipe, SCHEDULE), expected)


def hooks(unet: Any) -> Any:
    return state(unet)[4]


def test_a_schedule_is_found_when_the_pipeline_has_another_denoiser(pipe: Any) -> None:
    unet, before, expected = pipe.unet, state(pipe.unet), generate(pipe)
    with dato.applied(pipe, SCHEDULE):
        pipe.unet = tiny_unet(seed=1)
    assert state(unet) == before
    pipe.unet = unet
    assert torch.equal(generate(pipe), expected)


def test_an_apply_that_fails_leaves_the_schedule_before_and_its_removal(pipe: Any) -> None:
    expected, image = generate(pipe), generated(pipe, SCHEDULE)
    dato.apply(pipe, SCHEDULE)
    wrapper(pipe)
    with pytest.raises(UnsupportedError, match="own forward"):
        dato.apply(pipe, Schedule.full(6))
    assert torch.equal(generate(pipe), image)
    dato.remove(pipe)
    assert torch.equal(generate(pipe), expected)


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
@pytest.mark.parametrize("schedule", [SCHEDULE, Schedule.full(6)])
def test_a_copy_of_an_applied_pipeline_is_a_sentence(
    pipe: Any, copied: Any, schedule: Schedule
) -> None:
    dato.apply(pipe, schedule)
    for each in (pipe, pipe.unet):
        with pytest.raises(UnsupportedError, match=r"pickled.*dato\.remove"):
            copied(each)
    copied(dato.remove(pipe).unet)
