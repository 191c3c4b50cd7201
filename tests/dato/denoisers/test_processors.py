"""Processors that count calls are refused under a schedule that leaves calls out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor

import dato
from dato.errors import UnsupportedError
from dato.schedule import Schedule
from tests.dato.tiny import generate

STEPS = 6


class Controller:
    """Counts layers and steps, as prompt-to-prompt's does."""

    def __init__(self, layers: int) -> None:
        self.layers, self.layer, self.step = layers, 0, 0


class Controlled(AttnProcessor):
    """Tells a controller of each layer."""

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self.controller = controller

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.controller.layer += 1
        if self.controller.layer == self.controller.layers:
            self.controller.layer, self.controller.step = 0, self.controller.step + 1
        return super().__call__(*args, **kwargs)


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_processor_that_counts_is_refused_and_full_calls_are_not(
    pipe: Any, depth: int, fuse: bool
) -> None:
    controller = Controller(len(pipe.unet.attn_processors))
    pipe.unet.set_attn_processor(Controlled(controller))
    with dato.applied(pipe, Schedule.full(STEPS)):
        image = generate(pipe, STEPS)
    assert controller.step == STEPS
    assert torch.isfinite(image).all()
    plan = Schedule.uniform(STEPS, 3, depth)
    words = r"counts calls.*\(Controller.step went from 6 to 7\)"
    with dato.applied(pipe, plan, fuse=fuse), pytest.raises(UnsupportedError, match=words):
        generate(pipe, STEPS)
