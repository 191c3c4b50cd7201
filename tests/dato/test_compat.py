"""What else people put on their pipelines keeps working under a schedule."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderTiny, ControlNetModel, StableDiffusionControlNetPipeline
from diffusers.models.attention_processor import AttnProcessor
from peft import LoraConfig

import dato
from dato.preset import ModelInfo, Preset, SamplerInfo
from dato.schedule import Schedule
from tests.dato.tiny import (
    PRUNE,
    WIDTH,
    generate,
    generated,
    noise,
    prompts,
    random,
    tiny_pipe,
    tiny_unet,
)

SCHEDULE = Schedule.uniform(6, 3, 2, PRUNE)


def add_lora(pipe: Any) -> None:
    """A random low-rank adapter on every attention projection."""
    targets = ["to_q", "to_k", "to_v", "to_out.0"]
    pipe.unet.add_adapter(LoraConfig(r=2, target_modules=targets, init_lora_weights=False))
    for index, (name, weight) in enumerate(pipe.unet.named_parameters()):
        if "lora" in name:
            weight.data = random(*weight.shape, seed=index) * 0.3


@pytest.mark.parametrize("lora_first", [True, False])
def test_lora_works_whenever_it_is_added(pipe: Any, lora_first: bool) -> None:
    bare = generated(pipe, SCHEDULE)
    if lora_first:
        add_lora(pipe)
    with dato.applied(pipe, SCHEDULE):
        if not lora_first:
            add_lora(pipe)
        assert not torch.equal(generate(pipe), bare)


@pytest.mark.parametrize("call", [0, 1])
def test_the_scale_of_a_lora_is_honoured_in_full_and_cached_calls(pipe: Any, call: int) -> None:
    def output(scale: float | None) -> torch.Tensor:
        keywords = {} if scale is None else {"cross_attention_kwargs": {"scale": scale}}
        pipe.scheduler.set_timesteps(6)
        for timestep in pipe.scheduler.timesteps[: call + 1]:
            inputs = random(1, 4, 16, 16), timestep, random(1, 5, WIDTH, seed=1)
            result: torch.Tensor = pipe.unet(*inputs, return_dict=False, **keywords)[0]
        return result

    with dato.applied(pipe, SCHEDULE):
        bare = output(None)
        add_lora(pipe)
        assert not torch.equal(output(None), output(0.2))
        torch.testing.assert_close(output(0.0), bare, rtol=1e-4, atol=1e-4)


def test_processors_set_later_keep_the_pruning(pipe: Any) -> None:
    expected = generated(pipe, SCHEDULE)
    with dato.applied(pipe, SCHEDULE):
        pipe.unet.set_attn_processor(AttnProcessor())
        torch.testing.assert_close(generate(pipe), expected, rtol=1e-3, atol=1e-3)
        pipe.unet.set_default_attn_processor()
        pipe.unet.fuse_qkv_projections()
        torch.testing.assert_close(generate(pipe), expected, rtol=1e-3, atol=1e-3)


def test_attention_slicing_and_inference_mode(pipe: Any) -> None:
    expected = generated(pipe, SCHEDULE)
    pipe.enable_attention_slicing(1)
    with torch.inference_mode():
        torch.testing.assert_close(generated(pipe, SCHEDULE), expected, rtol=1e-3, atol=1e-3)


def test_controlnet_runs_and_all_full_is_bit_equal() -> None:
    unet = tiny_unet()
    control = ControlNetModel.from_unet(unet, conditioning_channels=3)
    for index, weight in enumerate(control.parameters()):
        weight.data = weight.data + 0.05 * random(*weight.shape, seed=index)
    pipe = StableDiffusionControlNetPipeline(
        vae=None,
        text_encoder=None,
        tokenizer=None,
        unet=unet,
        controlnet=control.eval(),
        scheduler=tiny_pipe().scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    options: dict[str, Any] = {
        "image": torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    }
    expected = generate(pipe, **options)
    assert torch.equal(generated(pipe, Schedule.full(6), **options), expected)
    cached = generated(pipe, SCHEDULE, **options)
    assert torch.isfinite(cached).all()
    assert not torch.equal(cached, generated(tiny_pipe(unet), SCHEDULE))


def test_half_precision(pipe: Any) -> None:
    pipe.unet.to(torch.bfloat16)
    half: dict[str, Any] = {
        "prompt_embeds": random(1, 5, WIDTH).bfloat16(),
        "negative_prompt_embeds": torch.zeros(1, 5, WIDTH).bfloat16(),
        "latents": random(1, 4, 16, 16).bfloat16(),
    }
    image = generated(pipe, SCHEDULE, **half)
    assert image.dtype == torch.bfloat16
    assert torch.isfinite(image).all()


def test_images_are_decoded_as_ever(pipe: Any) -> None:
    pipe.vae = AutoencoderTiny()
    images = generated(pipe, SCHEDULE, output_type="np")
    assert images.shape == (1, 128, 128, 3)


def test_deepcache_gives_the_same_images_where_both_mean_the_same(pipe: Any) -> None:
    helper_module = pytest.importorskip("DeepCache")
    for depth in (1, 2, 3):
        expected = generated(pipe, Schedule.uniform(6, 3, depth))
        helper = helper_module.DeepCacheSDHelper(pipe=pipe)
        helper.set_params(cache_interval=3, cache_branch_id=depth - 1)
        helper.enable()
        image = generate(pipe)
        helper.disable()
        torch.testing.assert_close(image, expected, rtol=1e-4, atol=1e-4)


def test_fingerprints_tell_weights_apart_and_not_how_they_were_loaded(pipe: Any) -> None:
    mark = dato.fingerprint(pipe)
    assert mark.startswith("sha256:")
    assert len(mark) == 71
    assert dato.fingerprint(tiny_unet()) == mark
    assert dato.fingerprint(tiny_unet(seed=1)) != mark
    with dato.applied(pipe, SCHEDULE):
        assert dato.fingerprint(pipe) == mark
    half = tiny_unet().half()
    assert dato.fingerprint(half) == mark
    assert dato.fingerprint(half.float()) == mark


def in_inference_mode(weight: torch.nn.Parameter) -> None:
    with torch.inference_mode():
        weight.mul_(2)


def through_numpy(weight: torch.nn.Parameter) -> None:
    weight.detach().numpy()[0] *= 2


IN_PLACE = (
    in_inference_mode,
    through_numpy,
    lambda weight: weight.data.mul_(2),
    lambda weight: weight.data.copy_(0.9 * weight.data),  # as EMA's copy_to
    lambda weight: weight.data.copy_(weight.data.flip(0)),
)
"""Changes of a weight that PyTorch's version counter does not see, but for the first."""


def test_a_fingerprint_is_the_models_own_and_follows_its_weights(pipe: Any) -> None:
    mark = dato.fingerprint(pipe)
    add_lora(pipe)
    assert dato.fingerprint(pipe) == mark
    for change in IN_PLACE:
        change(pipe.unet.conv_in.weight)
        before, mark = mark, dato.fingerprint(pipe)
        assert mark != before


def test_a_preset_that_was_tuned_on_other_weights_warns(pipe: Any) -> None:
    preset = Preset(
        name="mine/fast",
        model=ModelInfo("tiny", 12, dato.fingerprint(pipe), (16, 16)),
        sampler=SamplerInfo("DDIMScheduler", 6, 6, 3.0),
        schedule=SCHEDULE,
    )
    dato.apply(pipe, preset)
    other = tiny_pipe(tiny_unet(seed=1))
    with pytest.warns(UserWarning, match=r"'mine/fast' was tuned on other weights of 'tiny'"):
        dato.apply(other, preset)
    generate(other)
    dato.apply(other, preset.schedule)


def ip_adapter(unet: Any) -> dict[str, Any]:
    """Random weights, as the files hold them, for image embeddings of width 6."""
    image = {"proj.weight": (4 * WIDTH, 6), "proj.bias": (4 * WIDTH,)}
    image |= {"norm.weight": (WIDTH,), "norm.bias": (WIDTH,)}
    layers: dict[str, tuple[int, ...]] = {}
    names = [name for name in unet.attn_processors if "attn2" in name]
    for number, name in enumerate(names):
        width = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
        for part in ("to_k_ip", "to_v_ip"):
            layers[f"{2 * number + 1}.{part}.weight"] = (width, WIDTH)
    return {
        part: {name: random(*shape, seed=len(name)) for name, shape in shapes.items()}
        for part, shapes in (("image_proj", image), ("ip_adapter", layers))
    }


@pytest.mark.parametrize("adapter_first", [True, False])
def test_an_ip_adapter_works_whenever_it_is_added(pipe: Any, adapter_first: bool) -> None:
    picture: dict[str, Any] = {"ip_adapter_image_embeds": [random(2, 1, 6, seed=9)]}
    bare = generated(pipe, SCHEDULE)
    if not adapter_first:
        dato.apply(pipe, SCHEDULE)
    pipe.unet._load_ip_adapter_weights([ip_adapter(pipe.unet)])
    dato.apply(pipe, SCHEDULE)
    image = generate(pipe, **picture)
    assert not torch.equal(image, bare)
    pipe.set_ip_adapter_scale(0.1)
    assert not torch.equal(generate(pipe, **picture), image)
    dato.remove(pipe)
    full = generate(pipe, **picture)
    assert torch.equal(generated(pipe, Schedule.full(6), **picture), full)


def test_a_pruned_self_attention_keeps_the_processors_of_an_ip_adapter(pipe: Any) -> None:
    pipe.unet._load_ip_adapter_weights([ip_adapter(pipe.unet)])
    before = dict(pipe.unet.attn_processors)
    with dato.applied(pipe, SCHEDULE):
        assert all(pipe.unet.attn_processors[name] is each for name, each in before.items())


def test_several_images_for_each_prompt_are_those_of_a_larger_batch(pipe: Any) -> None:
    latents = torch.cat([noise(2), noise(2, seed=5)])
    text = {name: each.repeat_interleave(2, 0) for name, each in prompts(2).items()}
    expected = generated(pipe, SCHEDULE, latents=latents, **text)
    two: dict[str, Any] = {"latents": latents, "num_images_per_prompt": 2, **prompts(2)}
    assert torch.equal(generated(pipe, SCHEDULE, **two), expected)


def test_a_batch_may_be_split_by_the_user(pipe: Any) -> None:
    dato.apply(pipe, SCHEDULE)
    whole = generate(pipe, batch=3)
    for image in range(3):
        row = slice(image, image + 1)
        text: dict[str, Any] = {name: each[row] for name, each in prompts(3).items()}
        part = generate(pipe, latents=noise(3)[row], **text)
        torch.testing.assert_close(part, whole[row], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"guidance_scale": 1.0}, {"guidance_rescale": 0.7}])
def test_guidance_of_any_strength(pipe: Any, options: dict[str, Any]) -> None:
    expected = generate(pipe, **options)
    assert torch.equal(generated(pipe, Schedule.full(6), **options), expected)
    cached = generated(pipe, SCHEDULE, **options)
    assert torch.isfinite(cached).all()
    assert not torch.equal(cached, expected)


def test_a_callback_may_change_the_latents(pipe: Any) -> None:
    def callback(_pipe: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        return {"latents": values["latents"] * 0.9} if step == 2 else {}

    changed = generated(pipe, SCHEDULE, callback_on_step_end=callback)
    assert not torch.equal(changed, generated(pipe, SCHEDULE))
    expected = generate(pipe, callback_on_step_end=callback)
    null = generated(pipe, Schedule.full(6), callback_on_step_end=callback)
    assert torch.equal(null, expected)
