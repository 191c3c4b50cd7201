"""A denoiser's own weights: without what adapters added, and from wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_ADDED = ("lora_", ".processor.", "encoder_hid_proj.image_projection_layers", "image_proj.")
"""Parts of the names of parameters that LoRA and IP-Adapter add to a model."""
_FUSED = {"to_qkv", "to_kv", "to_added_qkv"}
"""Copies that ``fuse_qkv_projections`` adds beside the projections themselves."""
_BASE = "base_layer"
"""What PEFT calls the layer that its adapters stand beside."""
_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


class UnreadableError(Exception):
    """The weights have no values that a fingerprint could be taken of; the text says why."""


def own_weights(denoiser: nn.Module) -> list[tuple[str, Tensor]]:
    """The model's own parameters by name, sorted, as the model was published with them.

    Those that accelerate has moved elsewhere are read from there. Nothing is copied or converted.

    Raises:
        UnreadableError: a weight is quantized, cast to 8 bits, or kept where it cannot be read.
    """
    modules = dict(denoiser.named_modules())
    wrapped = {name for name, module in modules.items() if hasattr(module, _BASE)}
    for name, module in modules.items():
        _check_module(name, module, adapted=name in wrapped)
    values = [
        (_plain_name(name), _value(name, parameter, modules))
        for name, parameter in denoiser.named_parameters()
        if not _is_added(name, wrapped)
    ]
    return sorted(values, key=lambda each: each[0])


def _is_added(name: str, wrapped: set[str]) -> bool:
    parts = name.split(".")
    beside = any(
        parts[place] != _BASE and ".".join(parts[:place]) in wrapped
        for place in range(1, len(parts))
    )
    return beside or not _FUSED.isdisjoint(parts) or any(part in name for part in _ADDED)


def _plain_name(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != _BASE)


def _check_module(name: str, module: nn.Module, *, adapted: bool) -> None:
    """Refuse a layer that another one has taken the place of, and weights that only a disk has."""
    is_layer = hasattr(module, "in_features") or isinstance(module, nn.modules.conv._ConvNd)
    if is_layer and not adapted and not isinstance(getattr(module, "weight", None), nn.Parameter):
        raise UnreadableError(f"{name} is a {type(module).__name__} without a plain weight")
    hooks: Mapping[str, Any] = getattr(getattr(module, "_diffusers_hook", None), "hooks", {})
    group = getattr(hooks.get("group_offloading"), "group", None)
    if getattr(group, "offload_to_disk_path", None):
        raise UnreadableError("they are offloaded to a disk")


def _value(name: str, parameter: Tensor, modules: Mapping[str, nn.Module]) -> Tensor:
    _check(name, parameter)
    if parameter.is_meta:
        return _offloaded(name, modules)
    return parameter


def _check(name: str, weight: Tensor) -> None:
    if type(weight) not in (nn.Parameter, Tensor):
        raise UnreadableError(f"{name} is a {type(weight).__name__}")
    if weight.dtype not in _DTYPES:
        raise UnreadableError(f"{name} holds {str(weight.dtype).removeprefix('torch.')}")
    if not weight.numel():
        raise UnreadableError(f"{name} has no values in this process")


def _offloaded(name: str, modules: Mapping[str, nn.Module]) -> Tensor:
    """The value of a parameter on ``meta`` that a hook of accelerate keeps."""
    owner, _, parameter = name.rpartition(".")
    for hook in _hooks(getattr(modules[owner], "_hf_hook", None)):
        kept = getattr(hook, "weights_map", None) or {}
        if parameter in kept:
            value: Tensor = kept[parameter]
            _check(name, value)
            return value
    raise UnreadableError(f"{name} has no values: it is on the device 'meta'")


def _hooks(hook: Any) -> Iterator[Any]:
    yield from getattr(hook, "hooks", (hook,))
