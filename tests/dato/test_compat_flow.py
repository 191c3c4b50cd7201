"""What else people put on Stable Diffusion 3 and FLUX pipelines works, or is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import diffusers
import pytest
import torch
from diffusers import FluxControlNetModel, FluxMultiControlNetModel, SD3ControlNetModel
from peft import LoraConfig
from torch import Tensor

import dato
from dato import Kind, Schedule
from dato.denoisers.base import Canvas
from dato.denoisers.registry import adapter_of
from dato.errors import MismatchError, UnsupportedError
from tests.dato.models import (
    FLUX,
    SD3,
    SD3_TEXT,
    Family,
    Size,
    each,
    flux,
    masked,
    sd3,
    tiny_vae,
    transformer,
)
from tests.dato.tiny import WIDTH, random

STEPS = 6
SCHEDULE = Schedule.uniform(STEPS, 3, 2, {"level_0": 0.5})
Made = Callable[[], Family]
OLD_POSITIONS = pytest.mark.filterwarnings("ignore:.*FluxPosEmbed.*:FutureWarning")
"""Diffusers' own ControlNets of FLUX use what diffusers has moved."""


def holds(family: Family, **options: Any) -> Tensor:
    """All-full is bit-equal, and a schedule runs, changes the image and repeats; its image."""

    def generate() -> Tensor:
        torch.manual_seed(0)  # with which some pipelines encode their pictures
        return family.generate(STEPS, **options)

    expected = generate()
    with dato.applied(family.pipe, Schedule.full(STEPS)):
        assert torch.equal(generate(), expected)
    with dato.applied(family.pipe, SCHEDULE):
        image = generate()
        assert torch.equal(generate(), image)
    assert torch.isfinite(image).all()
    assert not torch.equal(image, expected)
    return image


@pytest.mark.parametrize("make", [sd3, flux])
def test_lora_and_its_scale(make: Made) -> None:
    family = make()
    bare = holds(family)
    targets = ["to_q", "to_k", "to_v"]
    family.denoiser.add_adapter(LoraConfig(r=2, target_modules=targets, init_lora_weights=False))
    images = [holds(family)]
    images += [holds(family, joint_attention_kwargs={"scale": scale}) for scale in (0.5, 0.0)]
    assert not torch.equal(images[0], images[1])
    torch.testing.assert_close(images[2], bare, rtol=1e-4, atol=1e-4)


def sd3_controlnet() -> tuple[Family, dict[str, Any]]:
    family = sd3()
    layers = {"num_layers": 3, "extra_conditioning_channels": 0}
    control = lively(SD3ControlNetModel, SD3 | layers)
    parts = family.pipe.components | {"controlnet": control, "vae": tiny_vae(shift_factor=0.1)}
    parts = {name: part for name, part in parts.items() if name in (*SD3_TEXT, *PARTS)}
    pipe = diffusers.StableDiffusion3ControlNetPipeline(**parts)
    pipe.set_progress_bar_config(disable=True)
    return replace(family, pipe=pipe), {"control_image": random(1, 3, 128, 128).clamp(0, 1)}


def flux_controlnet() -> tuple[Family, dict[str, Any]]:
    config = {name: value for name, value in FLUX.items() if name != "guidance_embeds"}
    control = lively(FluxControlNetModel, config | {"num_layers": 1, "num_single_layers": 2})
    family = flux(diffusers.FluxControlNetPipeline, {"controlnet": control}, guidance_embeds=False)
    family.pipe.vae = tiny_vae(shift_factor=0.1)
    return family, {"control_image": random(1, 3, 128, 128).clamp(0, 1)}


PARTS = ("transformer", "scheduler", "vae", "controlnet")


def lively(kind: Any, config: dict[str, Any]) -> Any:
    """A ControlNet whose outputs are not zero."""
    made = transformer(kind, config)
    for index, weight in enumerate(made.parameters()):
        weight.data = weight.data + 0.05 * random(*weight.shape, seed=index)
    return made


@OLD_POSITIONS
@pytest.mark.parametrize("make", [sd3_controlnet, flux_controlnet])
def test_controlnet_reaches_the_image(make: Any) -> None:
    family, control = make()
    image = holds(family, **control)
    other = holds(family, **control, controlnet_conditioning_scale=0.3)
    assert not torch.equal(image, other)


@pytest.mark.parametrize("make", [sd3, flux])
def test_the_residuals_of_a_controlnet_are_added_where_diffusers_adds_them(make: Made) -> None:
    family = make()
    shape = (1, 64, 16) if make is sd3 else (1, 64, 32)
    given = [random(*shape, seed=seed) for seed in range(4)]
    options: list[dict[str, Any]] = [{"block_controlnet_hidden_states": given[:3]}]
    if make is flux:
        options = [
            {"controlnet_block_samples": given[:1], "controlnet_single_block_samples": given[1:3]},
            {"controlnet_block_samples": given, "controlnet_blocks_repeat": True},
        ]
    for extra in options:
        call: dict[str, Any] = {}
        handle = family.denoiser.register_forward_pre_hook(
            lambda _module, _args, keywords, call=call: call.update(keywords), with_kwargs=True
        )
        family.generate(1, guidance_scale=1.0)
        handle.remove()
        expected = family.denoiser(**call | extra | {"return_dict": False})[0]
        adapter = adapter_of(family.pipe)
        output, cuts = adapter.partial(call | extra, None, None, (1, 2))
        assert torch.equal(output, expected)
        for depth, cut in cuts.items():
            again, _ = adapter.partial(call | extra, depth, cut, ())
            torch.testing.assert_close(again, expected, rtol=1e-4, atol=1e-4)


def test_an_ip_adapter_of_flux() -> None:
    family = flux()
    layers: dict[str, Tensor] = {}
    for number in range(FLUX["num_layers"]):
        for part in ("to_k_ip", "to_v_ip"):
            layers[f"{number}.{part}.weight"] = random(32, WIDTH, seed=number)
            layers[f"{number}.{part}.bias"] = random(32, seed=number + 9)
    projection = {"proj.weight": random(4 * WIDTH, 6), "proj.bias": random(4 * WIDTH)}
    projection |= {"norm.weight": random(WIDTH), "norm.bias": random(WIDTH)}
    bare = holds(family)
    mark = dato.fingerprint(family.pipe)
    family.denoiser._load_ip_adapter_weights([{"image_proj": projection, "ip_adapter": layers}])
    picture = {"ip_adapter_image_embeds": [random(1, 1, 6, seed=5)]}
    picture |= {"negative_ip_adapter_image_embeds": [torch.zeros(1, 1, 6)]}
    assert not torch.equal(holds(family, **picture), bare)
    assert dato.fingerprint(family.pipe) == mark


class ImageProjection(torch.nn.Module):
    """Stands for the resampler of SD 3's IP-Adapter."""

    def forward(self, image: Tensor, timestep: Tensor) -> tuple[Tensor, Tensor]:
        return image, timestep[:, None].expand(-1, 12) / 1000


def test_an_ip_adapter_of_sd3() -> None:
    from diffusers.models.attention_processor import SD3IPAdapterJointAttnProcessor2_0

    family = sd3()
    bare = holds(family)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        family.denoiser.set_attn_processor(
            {
                name: SD3IPAdapterJointAttnProcessor2_0(16, WIDTH, 8, 12).requires_grad_(False)
                for name in family.denoiser.attn_processors
            }
        )
    family.denoiser.image_proj = ImageProjection()
    picture = {"ip_adapter_image_embeds": random(2, 3, WIDTH, seed=5)}
    assert not torch.equal(holds(family, **picture), bare)


def test_perturbed_attention_guidance_caches_and_does_not_prune() -> None:
    family = sd3()
    parts = {name: family.pipe.components[name] for name in (*SD3_TEXT, *PARTS[:3])}
    pipe = diffusers.StableDiffusion3PAGPipeline(**parts, pag_applied_layers=["blocks.1"])
    pipe.set_progress_bar_config(disable=True)
    guided = replace(family, pipe=pipe)
    expected = guided.generate(STEPS, pag_scale=2.0)
    for schedule in (Schedule.full(STEPS), Schedule.uniform(STEPS, 3, 1)):
        with dato.applied(pipe, schedule):
            image = guided.generate(STEPS, pag_scale=2.0)
        assert torch.equal(image, expected) == (schedule == Schedule.full(STEPS))
    with dato.applied(pipe, SCHEDULE), pytest.raises(UnsupportedError, match="perturbed"):
        guided.generate(STEPS, pag_scale=2.0)


def test_skip_layer_guidance_is_refused_by_name() -> None:
    family = sd3()
    options: dict[str, Any] = {"skip_guidance_layers": [1], "skip_layer_guidance_start": 0.0}
    with dato.applied(family.pipe, SCHEDULE), pytest.raises(UnsupportedError, match="skip-layer"):
        family.generate(STEPS, **options, skip_layer_guidance_stop=1.0)


NEGATIVE: dict[str, Any] = {"negative_prompt_embeds": torch.zeros(1, 5, WIDTH)}
NEGATIVE |= {"negative_pooled_prompt_embeds": torch.zeros(1, WIDTH)}


@pytest.mark.parametrize("kind", [diffusers.FluxPipeline, diffusers.FluxImg2ImgPipeline])
def test_two_calls_for_each_timestep_are_refused_at_the_second(kind: Any) -> None:
    family = edited(kind) if kind is diffusers.FluxImg2ImgPipeline else flux()
    with dato.applied(family.pipe, SCHEDULE), pytest.raises(MismatchError, match="true_cfg_scale"):
        family.generate(STEPS, true_cfg_scale=2.0, **NEGATIVE)


def edited(kind: Any) -> Family:
    """A pipeline of FLUX or SD 3 that starts from a picture."""
    if kind.__name__.startswith("Flux"):
        family = flux(kind)
        family.pipe.vae = tiny_vae(latent_channels=4, shift_factor=0.1)
    else:
        channels = 16 if "Inpaint" in kind.__name__ else 4
        family = sd3(kind, in_channels=channels, out_channels=channels)
        family.pipe.vae = tiny_vae(latent_channels=channels, shift_factor=0.1)
    own = family.inputs

    def inputs(batch: int, size: Size, seed: int) -> dict[str, Any]:
        given = {name: value for name, value in own(batch, size, seed).items() if name != "latents"}
        pictures = masked(batch, size, seed)
        if "Inpaint" not in kind.__name__:
            pictures.pop("mask_image")
        return given | pictures | {"strength": 1.0}

    return replace(family, inputs=inputs)


@pytest.mark.parametrize(
    "kind",
    [
        diffusers.StableDiffusion3Img2ImgPipeline,
        diffusers.StableDiffusion3InpaintPipeline,
        diffusers.FluxImg2ImgPipeline,
        diffusers.FluxInpaintPipeline,
    ],
)
def test_a_run_from_a_picture_covers_the_calls_that_are_left(kind: Any) -> None:
    family = edited(kind)
    holds(family)
    expected = family.generate(2 * STEPS, strength=0.5)
    with dato.applied(family.pipe, Schedule.full(STEPS)):
        assert torch.equal(family.generate(2 * STEPS, strength=0.5), expected)
        with pytest.raises(MismatchError, match="strength"):
            family.generate(2 * STEPS, strength=0.8)


def test_kontext_keeps_all_tokens_of_its_reference() -> None:
    family = flux(diffusers.FluxKontextPipeline)
    family.pipe.vae = tiny_vae(latent_channels=4, shift_factor=0.1)
    picture: dict[str, Any] = {
        "image": each(1, 3, 128, 128, seed=3).clamp(0, 1),
        "_auto_resize": False,
    }
    picture["max_area"] = 128 * 128
    lengths: list[int] = []
    handle = family.denoiser.transformer_blocks[0].attn.register_forward_hook(
        lambda _module, _args, output: lengths.append(output[0].shape[1])
    )
    holds(family, **picture)
    with dato.applied(family.pipe, SCHEDULE):
        engine = vars(family.denoiser)["_dato_patch"].engine
        family.generate(STEPS, **picture)
        assert engine.run.pruner.canvas == Canvas(16, 16, 64)
    handle.remove()
    assert set(lengths) == {64 + 64, 32 + 64}


def test_control_channels_are_no_part_of_what_is_predicted() -> None:
    family = flux(diffusers.FluxControlPipeline, in_channels=32, out_channels=16)
    family.pipe.vae = tiny_vae(latent_channels=4, shift_factor=0.1)
    holds(family, control_image=random(1, 3, 128, 128).clamp(0, 1))


def test_fill_reads_the_mask_and_the_masked_picture_as_further_channels() -> None:
    family = flux(diffusers.FluxFillPipeline, in_channels=16 + 16 + 256, out_channels=16)
    family.pipe.vae = tiny_vae(latent_channels=4, shift_factor=0.1)
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    holds(family, image=random(1, 3, 128, 128).clamp(0, 1), mask_image=mask)


def half(family: Family) -> Family:
    """In bfloat16, in which FLUX's pipeline rounds timesteps."""
    family.denoiser.to(torch.bfloat16)
    own = family.inputs

    def inputs(batch: int, size: Size, seed: int) -> dict[str, Any]:
        return {
            name: value.bfloat16() if isinstance(value, Tensor) else value
            for name, value in own(batch, size, seed).items()
        }

    return replace(family, inputs=inputs)


@pytest.mark.parametrize("make", [sd3, flux])
def test_half_precision(make: Made) -> None:
    image = holds(half(make()))
    assert image.dtype == torch.bfloat16
    long = half(make())
    with dato.applied(long.pipe, Schedule.full(200)):
        long.generate(200)


SAMPLERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "shift": (diffusers.FlowMatchEulerDiscreteScheduler, {"shift": 3.0}),
    "dynamic shifting": (
        diffusers.FlowMatchEulerDiscreteScheduler,
        {"use_dynamic_shifting": True},
    ),
    "Karras": (diffusers.FlowMatchEulerDiscreteScheduler, {"use_karras_sigmas": True}),
    "noise of its own": (
        diffusers.FlowMatchEulerDiscreteScheduler,
        {"shift": 3.0, "stochastic_sampling": True},
    ),
    "Heun": (diffusers.FlowMatchHeunDiscreteScheduler, {"shift": 3.0}),
    "UniPC": (
        diffusers.UniPCMultistepScheduler,
        {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0},
    ),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_flow_samplers(name: str) -> None:
    family = sd3()
    kind, config = SAMPLERS[name]
    family.pipe.scheduler = kind(**config)
    torch.manual_seed(0)
    calls = 2 * STEPS - 1 if name == "Heun" else STEPS
    shown: list[Tensor] = []
    for schedule in (None, Schedule.full(calls), mixed(calls), mixed(calls)):
        torch.manual_seed(0)
        if schedule is None:
            shown.append(family.generate(STEPS))
            continue
        with dato.applied(family.pipe, schedule):
            shown.append(family.generate(STEPS))
    assert torch.equal(shown[0], shown[1])
    assert torch.equal(shown[2], shown[3])
    assert torch.isfinite(shown[2]).all()
    assert not torch.equal(shown[0], shown[2])


def mixed(calls: int) -> Schedule:
    """Full, cached and held calls; the cached ones prune by dynamics."""
    kinds = {
        "full": Kind(),
        "cached": Kind(2, {"level_0": 0.5}),
        "held": Kind(0, forecast="linear"),
    }
    return Schedule(kinds, tuple([*kinds][call % 3] for call in range(calls)))


def test_flux_takes_noise_levels_of_the_users_own() -> None:
    holds(flux(), sigmas=[1.0, 0.9, 0.7, 0.4, 0.2, 0.1])


def test_a_held_velocity_of_two_calls_is_one_longer_step() -> None:
    """Sigmas 1, 0.8, 0.5, of which the second call repeats the first one's velocity."""
    family = sd3()
    family.pipe.scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    held = Schedule({"full": Kind(), "held": Kind(0)}, ("full", "held", "full"))
    with dato.applied(family.pipe, held):
        image = family.generate(3, sigmas=[1.0, 0.8, 0.5])
    longer = family.generate(2, sigmas=[1.0, 0.5])
    torch.testing.assert_close(image, longer, rtol=1e-4, atol=1e-5)


def test_what_a_cut_holds_is_the_change_of_text_and_image() -> None:
    family = sd3()
    schedule = Schedule({"full": Kind(), "cached": Kind(2)}, ("full", "cached"))
    shapes: list[Any] = []

    def look(*_: Any) -> None:
        run = vars(family.denoiser)["_dato_patch"].engine.run
        shapes.extend(tuple(value.shape) for value in run.memory.values.get(2, ()))

    with dato.applied(family.pipe, schedule):
        handle = family.denoiser.proj_out.register_forward_pre_hook(look)
        family.generate(2)
    handle.remove()
    assert shapes == [(2, 5 + 64, 16)]


@OLD_POSITIONS
def test_multi_controlnet_is_what_the_pipeline_makes_of_it() -> None:
    family, control = flux_controlnet()
    family.pipe.controlnet = FluxMultiControlNetModel([family.pipe.controlnet] * 2)
    both = {"control_image": [control["control_image"]] * 2}
    both |= {"controlnet_conditioning_scale": [0.5, 0.5], "control_mode": [None, None]}
    holds(family, **both)


def test_latents_of_another_size_than_the_presets_are_refused() -> None:
    from dato.preset import ModelInfo, Preset, SamplerInfo

    family = flux()
    preset = Preset(
        name="tiny",
        model=ModelInfo("tiny", 2, "", (16, 16)),
        sampler=SamplerInfo("FlowMatchEulerDiscreteScheduler", STEPS, STEPS, 3.0),
        schedule=SCHEDULE,
    )
    with dato.applied(family.pipe, preset):
        family.generate(STEPS)
        with pytest.raises(MismatchError, match="latents"):
            family.generate(STEPS, size=(8, 24))
