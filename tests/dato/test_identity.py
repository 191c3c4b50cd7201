"""Fingerprints of weights that are not plain tensors, and what is said where there is none."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import accelerate  # type: ignore[import-untyped]
import pytest
import torch
from peft import IA3Config, LoHaConfig, LoraConfig
from torch import Tensor, nn
from torch.utils._pytree import tree_map

import dato
from dato import Preset
from dato.preset import ModelInfo, SamplerInfo
from tests.dato.models import FAMILIES
from tests.dato.test_compat import SCHEDULE
from tests.dato.tiny import generate, generated, tiny_pipe, tiny_unet


class Int8(Tensor):
    """Stands in for the weights of torchao and quanto: a wrapper around integers and a scale."""

    integers: Tensor
    scale: Tensor

    @staticmethod
    def __new__(cls, weight: Tensor) -> Int8:
        make: Any = torch.Tensor._make_wrapper_subclass
        made: Int8 = make(cls, weight.shape, dtype=weight.dtype)
        made.scale = weight.abs().amax() / 127
        made.integers = (weight / made.scale).round().to(torch.int8)
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        def plain(value: Any) -> Any:
            return value.integers * value.scale if isinstance(value, cls) else value

        if function is torch.ops.aten.detach.default:
            return args[0]
        return function(*tree_map(plain, args), **tree_map(plain, kwargs or {}))


class Packed(nn.Parameter):
    """Stands in for the weights of bitsandbytes and GGUF: bytes that only their layer reads."""


class PackedLinear(nn.Linear):
    """A layer of such weights."""

    def forward(self, value: Tensor) -> Tensor:
        return nn.functional.linear(value, self.weight.view(torch.float32), self.bias)


class Replaced(nn.Module):
    """Stands in for AWQ and GPTQ: a layer whose weights are buffers of other names."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.register_buffer("qweight", layer.weight.detach().clone())
        self.bias = layer.bias

    def forward(self, value: Tensor) -> Tensor:
        return nn.functional.linear(value, self.qweight, self.bias)  # type: ignore[arg-type]


def linears(unet: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    """(parent, name in it, layer) of every linear layer inside attentions."""
    for place, module in [*unet.named_modules()]:
        if isinstance(module, nn.Linear) and "attentions" in place:
            parent, _, name = place.rpartition(".")
            yield unet.get_submodule(parent), name, module


def wrapped(unet: Any) -> None:
    for _, _, layer in linears(unet):
        layer.weight = nn.Parameter(Int8(layer.weight.detach()), requires_grad=False)


def packed(unet: Any) -> None:
    for _, _, layer in linears(unet):
        layer.__class__ = PackedLinear
        layer.weight = Packed(layer.weight.detach().view(torch.uint8), requires_grad=False)


def replaced(unet: Any) -> None:
    for parent, name, layer in linears(unet):
        setattr(parent, name, Replaced(layer))


def cast_to_8_bits(unet: Any) -> None:
    unet.enable_layerwise_casting(
        storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32, skip_modules_pattern=()
    )


UNREADABLE: dict[str, tuple[Callable[[Any], None], str]] = {
    "a tensor subclass": (wrapped, "is a Int8"),
    "a parameter subclass": (packed, "is a Packed"),
    "a layer of another class": (replaced, "is a Replaced without a plain weight"),
    "layerwise casting": (cast_to_8_bits, "holds float8_e4m3fn"),
}


def tuned(pipe: Any) -> Preset:
    return Preset(
        name="mine/fast",
        model=ModelInfo("tiny", 12, dato.fingerprint(pipe), (16, 16)),
        sampler=SamplerInfo("DDIMScheduler", 6, 6, 3.0),
        schedule=SCHEDULE,
    )


@pytest.fixture
def preset(pipe: Any) -> Preset:
    """Tuned on the weights of ``tiny_pipe()``."""
    return tuned(pipe)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_preset_runs_on_weights_without_a_fingerprint_and_says_that_it_was_not_checked(
    name: str, preset: Preset
) -> None:
    change, reason = UNREADABLE[name]
    other = tiny_pipe()
    change(other.unet)
    assert dato.fingerprint(other) == ""
    expected = generated(other, SCHEDULE)
    with pytest.warns(UserWarning, match=rf"not checked whether the preset 'mine/fast'.*{reason}"):
        dato.apply(other, preset)
    assert torch.equal(generate(other), expected)
    dato.apply(other, preset.schedule)
    assert tuned(other).model.fingerprint == ""
    dato.apply(other, tuned(other))


def offloaded_to_memory(unet: Any, _: Path) -> None:
    accelerate.cpu_offload(unet, execution_device="cpu", offload_buffers=True)


def offloaded_to_disk(unet: Any, folder: Path) -> None:
    accelerate.disk_offload(unet, folder, execution_device="cpu")


@pytest.mark.parametrize("offload", [offloaded_to_memory, offloaded_to_disk])
def test_weights_that_accelerate_keeps_elsewhere_are_read_there(
    offload: Callable[[Any, Path], None], preset: Preset, tmp_path: Path
) -> None:
    expected = generated(tiny_pipe(), SCHEDULE)
    other, third = tiny_pipe(), tiny_pipe(tiny_unet(seed=1))
    for each in (other, third):
        offload(each.unet, tmp_path / str(id(each)))
        assert any(weight.is_meta for weight in each.unet.parameters())
    dato.apply(other, preset)
    assert torch.equal(generate(other), expected)
    assert dato.fingerprint(other) == preset.model.fingerprint
    with pytest.warns(UserWarning, match="tuned on other weights"):
        dato.apply(third, preset)


def test_weights_are_read_from_a_hook_beside_another_one(preset: Preset) -> None:
    unet = tiny_unet()
    for module in unet.modules():
        if [*module.parameters(recurse=False)]:
            accelerate.hooks.add_hook_to_module(module, accelerate.hooks.ModelHook())
    accelerate.cpu_offload(unet, execution_device="cpu")
    assert any(weight.is_meta for weight in unet.parameters())
    assert dato.fingerprint(unet) == preset.model.fingerprint


def test_weights_that_are_nowhere_are_not_checked(preset: Preset) -> None:
    empty = tiny_pipe(tiny_unet().to("meta"))
    assert dato.fingerprint(empty) == ""
    with pytest.warns(UserWarning, match="not checked.*'meta'"):
        dato.apply(empty, preset)


def test_weights_on_the_disk_of_a_group_are_not_checked(preset: Preset, tmp_path: Path) -> None:
    other = tiny_pipe()
    cpu = torch.device("cpu")
    other.unet.enable_group_offload(
        onload_device=cpu, offload_type="leaf_level", offload_to_disk_path=str(tmp_path)
    )
    assert dato.fingerprint(other) == ""
    with pytest.warns(UserWarning, match="not checked.*offloaded to a disk"):
        dato.apply(other, preset)


def test_weights_that_were_made_under_inference_mode_have_the_same_fingerprint(
    preset: Preset,
) -> None:
    with torch.inference_mode():
        other = tiny_pipe(tiny_unet())
        third = tiny_pipe(tiny_unet(seed=1))
    expected = generated(tiny_pipe(), SCHEDULE)
    dato.apply(other, preset)
    assert torch.equal(generate(other), expected)
    with torch.inference_mode():
        other.unet.conv_in.weight.mul_(2)
    for each in (other, third):
        with pytest.warns(UserWarning, match="tuned on other weights"):
            dato.apply(each, preset)


@pytest.mark.parametrize("family", FAMILIES)
def test_fused_projections_are_copies_and_change_no_fingerprint(family: str) -> None:
    pipe = FAMILIES[family]().pipe
    denoiser = getattr(pipe, "unet", None) or pipe.transformer
    mark, before = dato.fingerprint(pipe), len([*denoiser.parameters()])
    denoiser.fuse_qkv_projections()
    assert len([*denoiser.parameters()]) > before
    assert dato.fingerprint(pipe) == mark


@pytest.mark.filterwarnings("ignore:Already found a `peft_config` attribute:UserWarning")
@pytest.mark.parametrize("kind", [LoraConfig, LoHaConfig, IA3Config])
def test_what_an_adapter_keeps_beside_a_layer_changes_no_fingerprint(kind: Any) -> None:
    pipe = tiny_pipe()
    mark = dato.fingerprint(pipe)
    extra: dict[str, Any] = {"feedforward_modules": []} if kind is IA3Config else {}
    for name in ("first", "second"):
        pipe.unet.add_adapter(kind(target_modules=["to_q", "to_k", "conv1"], **extra), name)
        assert dato.fingerprint(pipe) == mark


def test_a_copy_in_bfloat16_is_not_taken_for_other_weights(preset: Preset) -> None:
    copy = tiny_pipe(tiny_unet().bfloat16())
    assert dato.fingerprint(copy).startswith("sha256:")
    assert dato.fingerprint(copy) != preset.model.fingerprint
    with pytest.warns(UserWarning, match="not checked.*bfloat16") as said:
        dato.apply(copy, preset)
    assert "other weights" not in str(said[0].message)


def test_a_preset_tuned_in_bfloat16_knows_its_weights_in_any_precision() -> None:
    preset = tuned(tiny_pipe(tiny_unet().bfloat16()))
    published = tiny_unet().bfloat16().half()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for unet in (tiny_unet().bfloat16(), tiny_unet(), published):
            dato.apply(tiny_pipe(unet), preset)
    with pytest.warns(UserWarning, match=r"other weights of 'tiny'\. It runs"):
        dato.apply(tiny_pipe(tiny_unet(seed=1)), preset)
    with pytest.warns(UserWarning, match="other weights of 'tiny', or on a copy of these in bf"):
        dato.apply(tiny_pipe(tiny_unet(seed=1).half()), preset)
