"""After an inner ``dato.applied`` the pipeline runs what it ran before."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import ModularPipeline, StableDiffusionXLAutoBlocks

import dato
from dato.errors import UnsupportedError
from dato.schedule import Schedule
from tests.dato.test_apply import state
from tests.dato.tiny import PRUNE, generate, generated

STEPS = 6
PLANS = {
    "held": Schedule.uniform(STEPS, 3, 0),
    "cut": Schedule.uniform(STEPS, 2, 1),
    "pruned": Schedule.uniform(STEPS, 3, 1, PRUNE),
}


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("inner", PLANS)
@pytest.mark.parametrize("outer", PLANS)
def test_the_outer_schedule_runs_again_and_then_none(
    pipe: Any, outer: str, inner: str, fuse: bool
) -> None:
    plain, before = generate(pipe, STEPS), state(pipe.unet)
    with dato.applied(pipe, PLANS[outer], fuse=fuse):
        expected, how = generate(pipe, STEPS), dato.explain(pipe)
        with dato.applied(pipe, PLANS[inner]):
            within = generate(pipe, STEPS)
        assert torch.equal(generate(pipe, STEPS), expected)
        assert dato.explain(pipe) == how
    assert torch.equal(within, generated(pipe, PLANS[inner]))
    assert torch.equal(generate(pipe, STEPS), plain)
    assert state(pipe.unet) == before
    assert "step" not in vars(pipe.scheduler)


def test_an_apply_before_a_block_lasts_beyond_it_also_after_an_error(pipe: Any) -> None:
    expected = generate(dato.apply(pipe, PLANS["pruned"]), STEPS)
    with pytest.raises(InterruptedError), dato.applied(pipe, PLANS["held"]):
        raise InterruptedError
    assert torch.equal(generate(pipe, STEPS), expected)
    dato.remove(pipe)


def test_an_outer_schedule_stays_compiled(pipe: Any) -> None:
    dato.apply(pipe, PLANS["cut"])
    compute = vars(pipe.unet)["_dato_patch"].engine
    dato.compile(pipe, backend="eager")
    compiled = compute.compute
    with dato.applied(pipe, PLANS["held"]):
        generate(pipe, STEPS)
    assert vars(pipe.unet)["_dato_patch"].engine.compute is compiled
    dato.remove(pipe)


def test_a_modular_pipeline_is_refused_as_what_it_is() -> None:
    modular = ModularPipeline(StableDiffusionXLAutoBlocks())
    with pytest.raises(UnsupportedError, match="is a modular pipeline"):
        dato.apply(modular, PLANS["held"])
