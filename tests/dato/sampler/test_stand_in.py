"""While a schedule is applied, everything that reads a pipeline's scheduler keeps working."""

from __future__ import annotations

import copy
import filecmp
import inspect
import pickle
import threading
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler
from diffusers.callbacks import SDCFGCutoffCallback
from torch import Tensor

import dato
from dato import Kind, Schedule
from dato.errors import MismatchError, UnsupportedError
from dato.sampler import traced
from experiments.engine.operations import Operations
from tests.dato.models import FAMILIES
from tests.dato.sampler.test_schedulers import guidance_off
from tests.dato.tiny import (
    WIDTH,
    generate,
    generated,
    prompts,
    random,
    scheduler,
    tiny_pipe,
    tiny_unet,
)

CALLS = 12
SCHEDULE = Schedule.uniform(CALLS, 4, 0, forecast="linear")
HELD = Schedule.uniform(CALLS, 4, 0)
TEXT = "3 computed calls of 12, "


def close(result: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture
def expected(pipe: Any) -> Tensor:
    """The image, call by call."""
    with dato.applied(pipe, SCHEDULE, fuse=False):
        return generate(pipe, CALLS)


def test_removal_gives_the_scheduler_back_as_it_was(pipe: Any) -> None:
    own = pipe.scheduler
    unpatched = generate(pipe, CALLS)
    attributes, before = set(vars(pipe)), set(vars(own))
    for _ in range(2):
        dato.apply(pipe, SCHEDULE)
    generate(pipe, CALLS)
    assert pipe.scheduler is own
    dato.remove(pipe)
    assert pipe.scheduler is own
    assert set(vars(own)) == before
    assert set(vars(pipe)) == attributes
    assert "step" not in vars(own) and len(own.timesteps) == CALLS
    assert torch.equal(generate(pipe, CALLS), unpatched)


def test_a_pipeline_sees_a_scheduler_of_its_class_with_its_signatures(pipe: Any) -> None:
    own = type(pipe.scheduler)
    bare = inspect.signature(tiny_pipe().scheduler.step)
    with dato.applied(pipe, SCHEDULE):
        assert type(pipe.scheduler) is own
        assert inspect.signature(pipe.scheduler.step) == bare
        assert pipe.scheduler.config == tiny_pipe().scheduler.config
        assert EulerDiscreteScheduler in pipe.scheduler.compatibles
        EulerDiscreteScheduler.from_config(pipe.scheduler.config)


def test_a_saved_pipeline_is_the_unpatched_one(pipe: Any, tmp_path: Path) -> None:
    pipe.save_pretrained(tmp_path / "bare")
    with dato.applied(pipe, SCHEDULE):
        generate(pipe, CALLS)
        pipe.save_pretrained(tmp_path / "applied")
    for path in (tmp_path / "bare").rglob("*"):
        if path.is_file():
            other = tmp_path / "applied" / path.relative_to(tmp_path / "bare")
            assert filecmp.cmp(path, other, shallow=False)


@pytest.mark.parametrize("fuse", [True, False])
def test_what_is_applied_is_neither_copied_nor_pickled(pipe: Any, fuse: bool) -> None:
    with dato.applied(pipe, SCHEDULE, fuse=fuse):
        for copied in (copy.deepcopy, pickle.dumps):
            with pytest.raises(UnsupportedError, match="neither copied nor pickled"):
                copied(pipe)


def test_a_copy_of_the_scheduler_is_fused_in_its_pipelines_runs(pipe: Any) -> None:
    """Pipelines of films with sound step a copy of their scheduler for the second stream."""
    twins: list[Any] = []

    def copied(own: Any, *_: Any) -> dict[str, Any]:
        twin = copy.deepcopy(own.scheduler)
        twin.set_timesteps(CALLS)
        twins.append(twin)
        return {}

    with dato.applied(pipe, SCHEDULE):
        generate(pipe, CALLS, callback_on_step_end=copied)
        assert [len(twin.timesteps) for twin in twins] == [3, 3, 3]
        twin = twins[0]
        latents = torch.ones(1, 4, 2, 2)
        for timestep in twin.timesteps:
            latents = twin.step(latents, timestep, latents).prev_sample
    assert "step" not in vars(twin)
    twin.set_timesteps(CALLS)
    assert len(twin.timesteps) == CALLS


def test_a_second_pipeline_with_the_scheduler_runs_unpatched(pipe: Any) -> None:
    other = tiny_pipe(sampler=pipe.scheduler)
    unpatched = generate(other, CALLS)
    with dato.applied(pipe, SCHEDULE):
        generate(pipe, CALLS)
        assert torch.equal(generate(other, CALLS), unpatched)
        with dato.applied(other, HELD):
            both = generate(pipe, CALLS), generate(other, CALLS)
        assert torch.equal(generate(pipe, CALLS), both[0])
    with dato.applied(other, HELD):
        assert torch.equal(generate(other, CALLS), both[1])


def test_progress_bars_end_at_their_end(pipe: Any, capsys: pytest.CaptureFixture[str]) -> None:
    heun = tiny_pipe(sampler=scheduler(diffusers.HeunDiscreteScheduler, steps_offset=1))
    calls = 2 * CALLS - 1
    for each, schedule in ((pipe, SCHEDULE), (heun, Schedule.uniform(calls, 4, 0))):
        each.set_progress_bar_config(disable=False)
        with dato.applied(each, schedule):
            generate(each, CALLS)
        computed = len(range(0, schedule.calls, 4))
        assert f"100%|██████████| {computed}/{computed}" in capsys.readouterr().err


def test_callbacks_come_once_for_each_computed_call_and_may_change_latents(pipe: Any) -> None:
    seen: list[float] = []

    def damp(_: Any, step: int, timestep: Any, held: dict[str, Any]) -> dict[str, Any]:
        seen.append(float(timestep))
        return {"latents": held["latents"] * (0.9 if len(seen) < 3 else 1)}

    def damp_whole(_: Any, step: int, timestep: Any, held: dict[str, Any]) -> dict[str, Any]:
        return {"latents": held["latents"] * (0.9 if step in (3, 7) else 1)}

    with dato.applied(pipe, SCHEDULE, fuse=False):
        call_by_call = generate(pipe, CALLS, callback_on_step_end=damp_whole)
    with dato.applied(pipe, SCHEDULE):
        fused = generate(pipe, CALLS, callback_on_step_end=damp)
    assert len(seen) == 3
    close(fused, call_by_call)


def test_guidance_that_ends_amid_a_line_is_refused_with_the_remedy(pipe: Any) -> None:
    with dato.applied(pipe, SCHEDULE):
        with pytest.raises(MismatchError, match="fuse=False"):
            generate(pipe, CALLS, **guidance_off(1))
        generate(pipe, CALLS)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("guidance_rescale", 0.7),
        ("eta", 0.5),
        ("callback_on_step_end", SDCFGCutoffCallback(cutoff_step_ratio=0.4)),
    ],
)
def test_arguments_that_stand_in_the_way_make_a_run_go_call_by_call(
    pipe: Any, option: str, value: Any
) -> None:
    with dato.applied(pipe, SCHEDULE, fuse=False):
        call_by_call = generate(pipe, CALLS, **{option: value})
    with dato.applied(pipe, SCHEDULE):
        assert torch.equal(generate(pipe, CALLS, **{option: value}), call_by_call)
        assert dato.explain(pipe).startswith(TEXT + f"call by call, because {option}=")
        generate(pipe, CALLS)
        assert dato.explain(pipe) == TEXT + "fused."


def test_a_run_that_is_cut_short_goes_call_by_call() -> None:
    family = FAMILIES["sdxl"]()
    options: dict[str, Any] = {"denoising_end": 0.5}
    stretched: dict[str, Any] = {"resample": "nearest"}
    with dato.applied(family.pipe, SCHEDULE, fuse=False, **stretched):
        call_by_call = family.generate(CALLS, **options)
    with dato.applied(family.pipe, SCHEDULE, **stretched):
        assert torch.equal(family.generate(CALLS, **options), call_by_call)
        assert "denoising_end=0.5 counts on every timestep" in dato.explain(family.pipe)


@pytest.mark.parametrize("name", ["img2img", "inpainting"])
def test_pipelines_that_start_in_mid_run_go_call_by_call(name: str) -> None:
    family = FAMILIES[name]()
    with dato.applied(family.pipe, SCHEDULE, fuse=False):
        call_by_call = family.generate(CALLS, strength=1.0)
    with dato.applied(family.pipe, SCHEDULE):
        assert torch.equal(family.generate(CALLS, strength=1.0), call_by_call)
        assert "takes strength, which counts on every timestep" in dato.explain(family.pipe)


def test_a_loop_by_hand_goes_call_by_call(pipe: Any) -> None:
    with dato.applied(pipe, SCHEDULE):
        pipe.scheduler.set_timesteps(CALLS)
        assert len(pipe.scheduler.timesteps) == CALLS
        assert "a loop written by hand" in dato.explain(pipe)


def test_a_schedule_that_skips_nothing_leaves_the_scheduler_alone(pipe: Any) -> None:
    dato.apply(pipe, Schedule.uniform(CALLS, 4, 1))
    assert "step" not in vars(pipe.scheduler)
    assert "skips no call" in dato.explain(pipe)


def test_nothing_is_explained_where_nothing_is_applied(pipe: Any) -> None:
    with pytest.raises(MismatchError, match="there is nothing to explain"):
        dato.explain(pipe)


def test_a_run_inside_a_callback_of_its_own_pipeline_leaves_the_outer_one_right(
    pipe: Any, expected: Tensor
) -> None:
    inner: list[Tensor] = []

    def nested(_: Any, step: int, __: Any, held: dict[str, Any]) -> dict[str, Any]:
        if step == 1 and not inner:
            scale = pipe._guidance_scale
            inner.append(generate(pipe, CALLS))
            pipe._guidance_scale = scale
        return held

    with dato.applied(pipe, SCHEDULE):
        close(generate(pipe, CALLS, callback_on_step_end=nested), expected)
    close(inner[0], expected)


def test_threads_on_one_pipeline_get_their_image_or_an_error(pipe: Any, expected: Tensor) -> None:
    results: list[Tensor | Exception] = []

    def run() -> None:
        try:
            results.append(generate(pipe, CALLS))
        except (MismatchError, RuntimeError) as error:
            results.append(error)

    with dato.applied(pipe, SCHEDULE):
        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 3
    for result in results:
        if isinstance(result, Tensor):
            close(result, expected)


def test_a_run_after_one_that_failed_starts_clean(pipe: Any, expected: Tensor) -> None:
    def fail(*_: Any) -> Any:
        raise InterruptedError

    with dato.applied(pipe, SCHEDULE):
        with pytest.raises(InterruptedError):
            generate(pipe, CALLS, callback_on_step_end=fail)
        close(generate(pipe, CALLS), expected)


@pytest.mark.parametrize("kind", [diffusers.DDIMScheduler, DPMSolverMultistepScheduler])
def test_a_fused_run_has_the_operations_of_as_many_plain_steps(kind: Any) -> None:
    pipe = tiny_pipe(sampler=scheduler(kind, steps_offset=1))
    schedule = Schedule.uniform(50, 10, 0, forecast="linear")

    def operations(steps: int) -> int:
        generate(pipe, steps)
        mode = Operations()
        with mode:
            generate(pipe, steps)
        return mode.count

    plain = operations(5)
    with dato.applied(pipe, schedule):
        assert operations(50) <= 1.1 * plain


def test_a_run_repeated_traces_nothing(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with dato.applied(pipe, SCHEDULE):
        first = generate(pipe, CALLS)
        monkeypatch.setattr(traced, "trace", None)
        assert torch.equal(generate(pipe, CALLS), first)


def test_noise_is_added_over_all_timesteps(pipe: Any) -> None:
    euler = tiny_pipe(sampler=scheduler(EulerDiscreteScheduler, steps_offset=1))
    clean, noise = torch.ones(1, 4, 2, 2), torch.ones(1, 4, 2, 2)
    euler.scheduler.set_timesteps(CALLS)
    timestep = euler.scheduler.timesteps[[5]]
    expected = euler.scheduler.add_noise(clean, noise, timestep)
    seen: list[Tensor] = []

    def add(own: Any, *_: Any) -> dict[str, Any]:
        own.scheduler._step_index, kept = None, own.scheduler._step_index
        seen.append(own.scheduler.add_noise(clean, noise, timestep))
        own.scheduler._step_index = kept
        return {}

    with dato.applied(euler, SCHEDULE):
        generate(euler, CALLS, callback_on_step_end=add)
    assert all(torch.equal(each, expected) for each in seen)


def guided_by(extra: str) -> tuple[Any, dict[str, Any], Any]:
    """A pipeline with a ControlNet or T2I-Adapter, what it takes, and that network."""
    unet = tiny_unet()
    picture = {"image": torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))}
    if extra == "adapter":
        network = diffusers.T2IAdapter(channels=[8, 16, 16, 16], num_res_blocks=1)
        kind = diffusers.StableDiffusionAdapterPipeline
    else:
        network = diffusers.ControlNetModel.from_unet(unet, conditioning_channels=3)
        kind = diffusers.StableDiffusionControlNetPipeline
    for index, weight in enumerate(network.parameters()):
        weight.data = weight.data + 0.05 * random(*weight.shape, seed=index)
    parts = dict.fromkeys(("vae", "text_encoder", "tokenizer", "safety_checker"))
    own = {"unet": unet, "scheduler": tiny_pipe().scheduler, extra: network.eval()}
    pipe = kind(**parts, **own, feature_extractor=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe, picture, network


@pytest.mark.parametrize(("extra", "forwards"), [("controlnet", 3), ("adapter", 1)])
def test_control_runs_at_computed_calls_only(extra: str, forwards: int) -> None:
    pipe, picture, network = guided_by(extra)
    ran: list[int] = []
    network.register_forward_pre_hook(lambda *_: ran.append(1))
    with dato.applied(pipe, SCHEDULE):
        controlled = generate(pipe, CALLS, **picture)
        assert dato.explain(pipe) == TEXT + "fused."
    assert len(ran) == forwards
    assert not torch.equal(controlled, generated(tiny_pipe(pipe.unet), SCHEDULE))
    if extra == "controlnet":  # a T2I-Adapter's residuals run under fused runs alone
        with dato.applied(pipe, SCHEDULE, fuse=False):
            close(generate(pipe, CALLS, **picture), controlled)


def test_call_by_call_a_run_belongs_to_one_thread(pipe: Any) -> None:
    errors: list[MismatchError] = []

    def call(place: int) -> None:
        inputs = random(1, 4, 16, 16), pipe.scheduler.timesteps[place], random(1, 5, WIDTH)
        try:
            pipe.unet(*inputs)
        except MismatchError as error:
            errors.append(error)

    with dato.applied(pipe, SCHEDULE, fuse=False):
        pipe.scheduler.set_timesteps(CALLS)
        call(0)
        other = threading.Thread(target=call, args=(1,))
        other.start()
        other.join()
    assert "follows one run at a time" in str(errors[0])


def test_another_pipeline_on_the_denoiser_is_refused_as_ever(pipe: Any) -> None:
    other = diffusers.StableDiffusionImg2ImgPipeline.from_pipe(pipe)
    inputs = {"image": torch.zeros(1, 4, 16, 16), "strength": 1.0, **prompts(1)}
    with (
        dato.applied(pipe, SCHEDULE),
        pytest.raises(MismatchError, match="runs the schedule of a StableDiffusionPipeline"),
    ):
        other(**inputs, num_inference_steps=4)
    assert Kind("full").is_null
