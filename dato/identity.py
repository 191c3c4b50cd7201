"""A fingerprint of the weights that a pipeline holds."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from dato.denoisers.registry import adapter_of

if TYPE_CHECKING:
    from dato.preset import Preset

_ADDED = ("lora_", ".processor.", "encoder_hid_proj.image_projection_layers", "image_proj.")
"""Parts of the names of parameters that LoRA and IP-Adapter add to a model."""

_known: WeakKeyDictionary[nn.Module, tuple[int, str]] = WeakKeyDictionary()


def fingerprint(pipe_or_denoiser: Any) -> str:
    """``"sha256:..."`` over the names, shapes and half-precision values of a denoiser's parameters.

    Values are rounded to float16 first, so that a model has one fingerprint whether it was loaded
    in float16 or in float32. Parameters that LoRA or an IP-Adapter has added do not count. Reads
    every weight once, and remembers the answer until a weight changes.
    """
    denoiser = adapter_of(pipe_or_denoiser).denoiser
    state = hash(tuple((name, each.data_ptr(), each._version) for name, each in _own(denoiser)))
    known = _known.get(denoiser)
    if known is None or known[0] != state:
        _known[denoiser] = known = (state, _digest(denoiser))
    return known[1]


def warn_of_other_weights(preset: Preset, pipe: Any) -> None:
    """Warn when a pipeline's weights are not those that a preset was tuned on."""
    tuned = preset.model.fingerprint
    if tuned and fingerprint(pipe) != tuned:
        warnings.warn(
            f"The preset {preset.name!r} was tuned on other weights of {preset.model.id!r}. It "
            "runs, but its measured FID is not this model's: look at its images beside the "
            "unpatched ones, or tune a preset of your own. apply(pipe, preset.schedule) runs it "
            "without this check.",
            stacklevel=3,
        )


def _own(denoiser: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters of the model itself, under the names that they have without adapters."""
    for name, parameter in denoiser.named_parameters():
        if not any(part in name for part in _ADDED):
            yield name.replace(".base_layer.", "."), parameter


def _digest(denoiser: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, parameter in sorted(_own(denoiser), key=lambda each: each[0]):
        digest.update(f"{name} {tuple(parameter.shape)}\n".encode())
        half = parameter.detach().to("cpu", torch.float16).contiguous()
        digest.update(half.numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"
