"""Every run starts clean, whatever came before, and follows the pipeline's own sampler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import diffusers
import pytest
import torch

import dato
from dato.errors import MismatchError
from dato.preset import ModelInfo, Preset, SamplerInfo
from dato.preset.fields import Setting
from dato.schedule import Kind, Schedule
from tests.dato.models import sdxl
from tests.dato.test_apply import stop_at
from tests.dato.tiny import PRUNE, generate, generated, noise, scheduler, tiny_pipe, tiny_unet

SAMPLERS = {
    "DDIM": ("DDIMScheduler", {"steps_offset": 1}),
    "PNDM": ("PNDMScheduler", {"steps_offset": 1, "skip_prk_steps": True}),
    "Euler": ("EulerDiscreteScheduler", {"steps_offset": 1}),
    "Euler ancestral": ("EulerAncestralDiscreteScheduler", {"steps_offset": 1}),
    "DPM-Solver++": ("DPMSolverMultistepScheduler", {"steps_offset": 1}),
    "DPM-Solver++ Karras": (
        "DPMSolverMultistepScheduler",
        {"use_karras_sigmas": True, "steps_offset": 1},
    ),
    "Heun": ("HeunDiscreteScheduler", {"steps_offset": 1}),
    "UniPC": ("UniPCMultistepScheduler", {"steps_offset": 1}),
    "LCM": ("LCMScheduler", {"steps_offset": 1, "clip_sample": False}),
}
"""Class and settings."""


def sampler(name: str, **extra: Any) -> Any:
    """A sampler by its name in ``SAMPLERS``."""
    kind, config = SAMPLERS[name]
    return scheduler(getattr(diffusers, kind), **config | extra)


def calls(name: str, steps: int) -> int:
    """Denoiser calls of a run: PNDM makes one more than steps, Heun nearly twice as many."""
    asked = sampler(name)
    asked.set_timesteps(steps)
    return len(asked.timesteps)


def schedule(calls: int) -> Schedule:
    """Full calls, shallow calls, reuse and pruning."""
    shallow = ("full", "shallow", "reuse", "deep")
    kinds = {
        "full": Kind("full", PRUNE),
        "shallow": Kind(1, {"level_0": 0.75}),
        "reuse": Kind(0),
        "deep": Kind(4),
    }
    steps = tuple(shallow[call % 4] for call in range(calls))
    return Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, steps)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(("steps", "batch"), [(4, 1), (5, 2)])
def test_two_images_in_a_row_equal_each_alone(name: str, steps: int, batch: int) -> None:
    plan = schedule(calls(name, steps))

    def fresh() -> Any:
        return dato.apply(tiny_pipe(sampler=sampler(name)), plan)

    together = fresh()
    for seed in (1, 2):
        image = generate(together, steps, batch, seed)
        assert torch.equal(image, generate(fresh(), steps, batch, seed))


@pytest.mark.parametrize("name", SAMPLERS)
def test_all_full_is_bit_equal_with_every_sampler(name: str) -> None:
    pipe = tiny_pipe(sampler=sampler(name))
    null = Schedule.full(calls(name, 5))
    assert torch.equal(generated(pipe, null, steps=5), generate(pipe, 5))


def test_samplers_batches_sizes_and_guidance_may_change_between_runs(pipe: Any) -> None:
    dato.apply(pipe, schedule(4))
    changes: list[tuple[str, dict[str, Any]]] = [
        ("DDIM", {"batch": 2}),
        ("DDIM", {"size": (9, 13)}),
        ("Euler", {"batch": 3, "guidance_scale": 1.0}),
        ("DDIM", {}),
    ]
    for name, change in changes:
        pipe.scheduler = sampler(name)
        alone = tiny_pipe(sampler=sampler(name))
        expected = generated(alone, schedule(4), **change)
        # Under a scheduler that it was given later, the pipeline runs call by call.
        torch.testing.assert_close(generate(pipe, 4, **change), expected, rtol=1e-4, atol=1e-4)


def test_a_run_may_have_a_thousand_calls() -> None:
    kinds = {"full": Kind(), "reuse": Kind(0)}
    steps = tuple("reuse" if call % 50 else "full" for call in range(1000))
    trailing = scheduler(steps_offset=1, timestep_spacing="trailing")
    image = generated(tiny_pipe(sampler=trailing), Schedule(kinds, steps))
    assert torch.isfinite(image).all()


def test_pipelines_in_two_threads_do_not_meet() -> None:
    plan = schedule(6)
    expected = [generated(tiny_pipe(tiny_unet(seed)), plan, seed=seed) for seed in (1, 2)]
    pipes = [dato.apply(tiny_pipe(tiny_unet(seed)), plan) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            images = list(pool.map(lambda seed: generate(pipes[seed - 1], seed=seed), (1, 2)))
            assert all(map(torch.equal, images, expected))


@pytest.mark.parametrize("step", [0, 2, 4])
def test_a_run_after_an_aborted_one_starts_clean(pipe: Any, step: int) -> None:
    dato.apply(pipe, schedule(6))
    expected = generate(pipe)
    with pytest.raises(RuntimeError, match="stop"):
        generate(pipe, callback_on_step_end=stop_at(step))
    assert torch.equal(generate(pipe), expected)


def test_a_run_after_a_failure_inside_the_denoiser_starts_clean(pipe: Any) -> None:
    dato.apply(pipe, schedule(6))
    expected = generate(pipe)
    layer = pipe.unet.up_blocks[3].resnets[2]
    for call in (0, 1, 3):
        count = iter(range(100))

        def fail(*_: Any, call: int = call, count: Any = count) -> None:
            if next(count) == call:
                raise RuntimeError("out of memory")

        hook = layer.register_forward_pre_hook(fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            generate(pipe)
        hook.remove()
        assert torch.equal(generate(pipe), expected)


@pytest.mark.parametrize("steps", [5, 7])
def test_another_number_of_calls_is_refused_with_a_remedy(pipe: Any, steps: int) -> None:
    dato.apply(pipe, schedule(6))
    with pytest.raises(MismatchError, match=r"6 denoiser calls.*num_inference_steps.*nearest"):
        generate(pipe, steps)
    assert torch.isfinite(generate(pipe, 6)).all()


def test_another_number_of_calls_is_stretched_on_request(pipe: Any) -> None:
    expected = generated(pipe, schedule(6).resampled(9))
    dato.apply(pipe, schedule(6), resample="nearest")
    assert torch.equal(generate(pipe, 9), expected)


def denoise(pipe: Any, sample: torch.Tensor, timestep: Any) -> Any:
    """One call of the denoiser by hand."""
    return pipe.unet(sample, timestep, encoder_hidden_states=torch.zeros(len(sample), 5, 8))


def test_a_call_too_many_is_refused(pipe: Any) -> None:
    dato.apply(pipe, Schedule.full(2))
    pipe.scheduler.set_timesteps(2)
    for timestep in pipe.scheduler.timesteps:
        denoise(pipe, noise(1), timestep)
    with pytest.raises(MismatchError, match=r"all of them have run.*set_timesteps"):
        denoise(pipe, noise(1), pipe.scheduler.timesteps[0])


def test_calls_out_of_order_are_refused(pipe: Any) -> None:
    dato.apply(pipe, Schedule.full(3))
    pipe.scheduler.set_timesteps(3)
    denoise(pipe, noise(1), pipe.scheduler.timesteps[0])
    with pytest.raises(MismatchError, match="in order"):
        denoise(pipe, noise(1), pipe.scheduler.timesteps[0])


def test_a_batch_that_changes_during_a_run_is_refused(pipe: Any) -> None:
    dato.apply(pipe, Schedule.full(3))
    pipe.scheduler.set_timesteps(3)
    denoise(pipe, noise(2), pipe.scheduler.timesteps[0])
    with pytest.raises(MismatchError, match="shape"):
        denoise(pipe, noise(1), pipe.scheduler.timesteps[1])


def test_timesteps_passed_as_numbers_are_found_by_value(pipe: Any) -> None:
    dato.apply(pipe, Schedule.full(3))
    pipe.scheduler.set_timesteps(3)
    for timestep in pipe.scheduler.timesteps.tolist():
        denoise(pipe, noise(1), timestep)
    pipe.scheduler.set_timesteps(3)
    with pytest.raises(MismatchError, match="timesteps of the pipeline's scheduler"):
        denoise(pipe, noise(1), 5)


def test_image_to_image_runs_what_is_left(pipe: Any) -> None:
    kind = diffusers.StableDiffusionImg2ImgPipeline
    edit = tiny_pipe(pipe.unet, kind=kind)
    options = {"image": noise(1), "strength": 0.5, "num_inference_steps": 8, "latents": None}

    def run(**extra: Any) -> torch.Tensor:
        from tests.dato.tiny import prompts

        inputs = {name: value for name, value in options.items() if name != "latents"}
        seeded = torch.Generator().manual_seed(0)
        result: torch.Tensor = edit(
            **prompts(1), **inputs, generator=seeded, output_type="latent", **extra
        ).images
        return result

    expected = run()
    with dato.applied(edit, Schedule.full(4)):
        assert torch.equal(run(), expected)
    with dato.applied(edit, schedule(4)):
        assert torch.equal(run(), run())
    with dato.applied(edit, schedule(8)), pytest.raises(MismatchError, match="strength"):
        run()


@pytest.mark.parametrize("part", [{"denoising_end": 0.8}, {"denoising_end": 0.5}])
def test_a_schedule_covers_the_calls_that_the_pipeline_will_run(part: dict[str, Any]) -> None:
    family = sdxl()
    expected = family.generate(10, **part)
    calls = round(10 * part["denoising_end"])
    with dato.applied(family.pipe, Schedule.full(calls)):
        assert torch.equal(family.generate(10, **part), expected)
    held = Schedule.uniform(calls, 2, 0)
    with dato.applied(family.pipe, held):
        image = family.generate(10, **part)
        assert torch.isfinite(image).all()
        assert not torch.equal(image, expected)
    with (
        dato.applied(family.pipe, Schedule.full(10)),
        pytest.raises(MismatchError, match=f"10 denoiser calls, but this run makes {calls}"),
    ):
        family.generate(10, **part)


def preset(**changes: Any) -> Preset:
    """A preset for the tiny pipeline."""
    model: dict[str, Any] = {
        "id": "tiny",
        "skip_branches": 12,
        "fingerprint": "",
        "latent_size": (16, 16),
    } | changes
    name = model.pop("scheduler", "DDIMScheduler")
    return Preset(
        name="tiny",
        model=ModelInfo(**model),
        sampler=SamplerInfo(name, 6, 6, 3.0),
        schedule=schedule(6),
    )


def test_a_preset_runs_its_schedule_on_what_it_was_made_for(pipe: Any) -> None:
    expected = generated(pipe, schedule(6))
    with dato.applied(pipe, preset()):
        assert torch.equal(generate(pipe), expected)
        with pytest.raises(MismatchError, match="latents"):
            generate(pipe, size=(8, 8))
    with dato.applied(pipe, preset(), resample="nearest"):
        generate(pipe, size=(8, 8))
    for wrong in (preset(skip_branches=9), preset(scheduler="PNDMScheduler")):
        with pytest.raises(MismatchError):
            dato.apply(pipe, wrong)


def test_a_preset_may_ask_for_settings_of_its_sampler(pipe: Any) -> None:
    own = preset()
    settings: dict[str, Setting] = {"timestep_spacing": "trailing", "clip_sample": False}
    asks = replace(own, sampler=replace(own.sampler, settings=settings))
    pipe.scheduler = diffusers.DDIMScheduler.from_config(
        pipe.scheduler.config, timestep_spacing="leading"
    )
    with pytest.raises(
        MismatchError, match=r"from_config\(pipe.scheduler.config, .*timestep_spacing='trailing'"
    ):
        dato.apply(pipe, asks)
    pipe.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config, **settings)
    with dato.applied(pipe, asks):
        generate(pipe)
        pipe.scheduler = diffusers.DDIMScheduler.from_config(
            pipe.scheduler.config, clip_sample=True
        )
        with pytest.raises(MismatchError, match="clip_sample=False"):
            generate(pipe)


@pytest.mark.parametrize("settings", [{"clip_sample": 0}, {"no_such_setting": True}])
def test_a_setting_is_compared_with_its_type_and_must_exist(
    pipe: Any, settings: dict[str, Any]
) -> None:
    own = preset()
    asks = replace(own, sampler=replace(own.sampler, settings=settings))
    pipe.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    with pytest.raises(MismatchError, match=f"with {next(iter(settings))}="):
        dato.apply(pipe, asks)


def test_freeu_is_refused_even_when_it_comes_later(pipe: Any) -> None:
    dato.apply(pipe, schedule(6))
    generate(pipe)
    pipe.enable_freeu(s1=0.9, s2=0.2, b1=1.2, b2=1.4)
    with pytest.raises(dato.UnsupportedError, match="FreeU"):
        generate(pipe)
    pipe.disable_freeu()
    generate(pipe)


def test_hooks_on_whole_blocks_are_refused() -> None:
    unet = tiny_unet()
    unet.down_blocks[1].register_forward_hook(lambda *_: None)
    with pytest.raises(dato.UnsupportedError, match="CrossAttnDownBlock2D"):
        dato.topology(unet)
