"""Applying changes one attribute and some hooks; removing leaves no trace."""

from __future__ import annotations

import copy
import gc
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.hooks import (  # type: ignore[import-untyped]
    ModelHook,
    add_hook_to_module,
    remove_hook_from_module,
)
from hypothesis import given, settings

import dato
from dato.errors import MismatchError, PresetError, UnsupportedError
from dato.preset import ModelInfo, Preset, Provenance, SamplerInfo
from dato.schedule import Kind, Schedule
from tests.dato.tiny import PRUNE, generate, generated, tiny_pipe, tiny_unet
from tests.strategies import schedules

SCHEDULE = Schedule.uniform(6, 3, 1, PRUNE)


HOOKS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
)


def state(denoiser: Any) -> list[Any]:
    """Everything about a denoiser that a patch might leave a trace in."""
    modules = list(denoiser.named_modules())
    return [
        denoiser.attn_processors,
        [(name, type(module), id(module)) for name, module in modules],
        [sorted(vars(module)) for _, module in modules],
        [vars(module).get("forward") for _, module in modules],
        [[len(vars(module)[hooks]) for hooks in HOOKS] for _, module in modules],
        [(name, id(value), value._version) for name, value in denoiser.named_parameters()],
        denoiser.training,
    ]


@settings(max_examples=10)
@given(schedules(max_calls=4))
def test_remove_restores_the_exact_object(schedule: Schedule) -> None:
    before = state(PIPE.unet)
    dato.remove(dato.apply(PIPE, _of_pipe(schedule)))
    assert state(PIPE.unet) == before


PIPE = tiny_pipe()


def _of_pipe(schedule: Schedule) -> Schedule:
    """The schedule without the layer names that the tiny denoiser lacks."""
    kinds = {
        name: Kind(kind.depth, {k: r for k, r in kind.prune.items() if k != "mid_block"})
        for name, kind in schedule.kinds.items()
    }
    return Schedule(kinds, schedule.steps, schedule.tokens)


def test_all_full_is_bit_equal_to_the_unpatched_pipeline(pipe: Any) -> None:
    expected = generate(pipe, batch=2)
    assert torch.equal(generated(pipe, Schedule.full(6), batch=2), expected)
    assert not torch.equal(generated(pipe, SCHEDULE, batch=2), expected)


def test_a_preset_may_be_a_file_and_an_unknown_name_is_explained(pipe: Any, tmp_path: Path) -> None:
    preset = Preset(
        name="tiny/fast",
        model=ModelInfo("tiny", 12, "", (16, 16)),
        sampler=SamplerInfo("DDIMScheduler", 6, 6, 3.0),
        schedule=SCHEDULE,
        measured=None,
        provenance=Provenance("", 0, "", {}),
    )
    preset.save(tmp_path / "fast.json")
    expected = generated(pipe, SCHEDULE)
    with dato.applied(pipe, str(tmp_path / "fast.json")):
        assert torch.equal(generate(pipe), expected)
    with pytest.raises(PresetError, match="tiny/slow"):
        dato.apply(pipe, "tiny/slow")


def test_the_second_of_two_schedules_replaces_the_first(pipe: Any) -> None:
    before, expected = state(pipe.unet), generated(pipe, SCHEDULE)
    dato.apply(pipe, Schedule.uniform(6, 2, 3))
    dato.apply(pipe, SCHEDULE)
    assert torch.equal(generate(pipe), expected)
    dato.remove(pipe)
    assert state(pipe.unet) == before


def test_verbs_return_the_pipeline_and_remove_is_idempotent(pipe: Any) -> None:
    before = state(pipe.unet)
    assert dato.remove(pipe) is pipe
    assert dato.apply(pipe, SCHEDULE) is pipe
    assert dato.remove(dato.remove(pipe)) is pipe
    assert state(pipe.unet) == before
    with dato.applied(pipe, SCHEDULE) as inside:
        assert inside is pipe


def test_a_block_that_fails_restores_too(pipe: Any) -> None:
    before, expected = state(pipe.unet), generate(pipe)
    with pytest.raises(RuntimeError, match="stop"), dato.applied(pipe, SCHEDULE):
        generate(pipe, callback_on_step_end=stop_at(3))
    assert state(pipe.unet) == before
    assert torch.equal(generate(pipe), expected)


def stop_at(step: int) -> Any:
    """A callback that aborts a run after a step."""

    def callback(_pipe: Any, number: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        if number == step:
            raise RuntimeError("stop")
        return values

    return callback


def test_a_schedule_that_does_not_fit_changes_nothing(pipe: Any) -> None:
    dato.apply(pipe, SCHEDULE)
    expected = generate(pipe)
    for wrong in (Kind(13), Kind(1, {"level_4": 0.5}), Kind(1, {"up_blocks.9": 0.5})):
        with pytest.raises(MismatchError):
            dato.apply(pipe, Schedule({"full": Kind(), "wrong": wrong}, ("full", "wrong")))
    assert torch.equal(generate(pipe), expected)


def test_two_pipelines_cannot_run_schedules_on_one_unet(pipe: Any) -> None:
    other = tiny_pipe(pipe.unet)
    dato.apply(other, SCHEDULE)
    with pytest.raises(MismatchError, match=r"already runs the schedule.*dato\.remove"):
        dato.apply(pipe, SCHEDULE)
    dato.remove(pipe)
    dato.apply(pipe, SCHEDULE)
    with pytest.raises(MismatchError, match="Another StableDiffusionPipeline calls a denoiser"):
        generate(other)


def test_a_unet_outlives_the_pipeline_that_it_was_applied_through(pipe: Any) -> None:
    other = tiny_pipe(pipe.unet)
    dato.apply(other, SCHEDULE)
    del other
    gc.collect()
    with pytest.raises(MismatchError, match="is gone"):
        generate(pipe)
    expected = generated(tiny_pipe(), SCHEDULE)
    assert torch.equal(generate(dato.apply(pipe, SCHEDULE)), expected)


def test_copies_are_refused_while_applied(pipe: Any) -> None:
    dato.apply(pipe, SCHEDULE)
    with pytest.raises(UnsupportedError, match="copied"):
        copy.deepcopy(pipe.unet)
    copy.deepcopy(dato.remove(pipe).unet)


def test_a_unet_that_another_tool_has_patched_is_refused(pipe: Any) -> None:
    pipe.unet.forward = lambda *args, **kwargs: None
    with pytest.raises(UnsupportedError, match="own forward"):
        dato.apply(pipe, SCHEDULE)


def test_a_compiled_unet_is_refused(pipe: Any) -> None:
    pipe.unet.compile(backend="eager")
    with pytest.raises(UnsupportedError, match="compiled"):
        dato.apply(pipe, SCHEDULE)


def test_a_unet_alone_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="Pass the pipeline"):
        dato.apply(tiny_unet(), SCHEDULE)


def test_a_forward_that_was_there_before_is_there_after(pipe: Any) -> None:
    own = pipe.unet.forward
    pipe.unet.forward = own
    dato.remove(dato.apply(pipe, SCHEDULE))
    assert vars(pipe.unet)["forward"] is own


class Offload(ModelHook):  # type: ignore[misc]
    """Stands for accelerate's CPU offload: counts the calls that it sees."""

    calls = 0

    def pre_forward(self, module: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return args, kwargs


@pytest.mark.parametrize("hooked_first", [True, False])
@pytest.mark.parametrize("unhooked_first", [True, False])
def test_offload_hooks_and_schedules_come_and_go_in_any_order(
    pipe: Any, hooked_first: bool, unhooked_first: bool
) -> None:
    expected, image = generate(pipe), generated(pipe, SCHEDULE)
    hook = Offload()
    enter = [lambda: add_hook_to_module(pipe.unet, hook), lambda: dato.apply(pipe, SCHEDULE)]
    leave = [lambda: remove_hook_from_module(pipe.unet), lambda: dato.remove(pipe)]
    for act in enter if hooked_first else reversed(enter):
        act()
    assert torch.equal(generate(pipe), image)
    assert hook.calls == 6
    for act in leave if unhooked_first else reversed(leave):
        act()
    assert torch.equal(generate(pipe), expected)
    assert hook.calls == 6
    assert getattr(pipe.unet.forward, "__func__", None) is type(pipe.unet).forward
