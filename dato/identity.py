"""A fingerprint of the weights that a pipeline holds."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dato.denoisers.own_weights import UnreadableError, own_weights
from dato.denoisers.registry import denoiser_of, uncompiled

if TYPE_CHECKING:
    from dato.preset import Preset

Weights = Sequence[tuple[str, Tensor]]


def fingerprint(pipe_or_denoiser: Any) -> str:
    """``"sha256:..."`` over the names, shapes and half-precision values of a denoiser's parameters.

    Values are rounded to float16 first, so that a model has one fingerprint whether it was loaded
    in float16 or in float32; a copy in bfloat16 has another. Parameters that LoRA or an IP-Adapter
    has added do not count. Empty where none can be taken: weights that are quantized or kept in 8
    bits, and a denoiser that is no module.

    Every call reads every weight, because a change in place (through ``.data``, say) leaves no
    mark: it copies them to the CPU, rounds them and hashes two bytes for each.
    """
    denoiser = uncompiled(denoiser_of(pipe_or_denoiser))
    if not isinstance(denoiser, nn.Module):
        return ""
    try:
        return _read(own_weights(denoiser), torch.float16)
    except UnreadableError:
        return ""


@dataclass(frozen=True)
class Doubt:
    """Why a preset's measurements may not be a pipeline's.

    Args:
        sentence: for people.
        other: whether the weights are known to be other ones; else nobody can tell.
    """

    sentence: str
    other: bool


def doubt_of(preset: Preset, pipe_or_denoiser: Any) -> Doubt | None:
    """``None`` where a pipeline's weights are those that a preset was tuned on, or where it does
    not say on which."""
    tuned = preset.model.fingerprint
    if not tuned:
        return None
    denoiser = uncompiled(denoiser_of(pipe_or_denoiser))
    if not isinstance(denoiser, nn.Module):
        return _unchecked(preset, f"it is a {type(denoiser).__name__}")
    try:
        weights = own_weights(denoiser)
    except UnreadableError as error:
        return _unchecked(preset, str(error))
    # The preset may have been tuned on a copy in bfloat16, which has coarser values.
    if tuned in (_read(weights, dtype) for dtype in (torch.float16, torch.bfloat16)):
        return None
    if any(weight.dtype == torch.bfloat16 for _, weight in weights):
        return _unchecked(preset, "they are in bfloat16, and it was tuned in another precision")
    copy = ""
    if any(weight.dtype == torch.float16 for _, weight in weights):
        copy = ", or on a copy of these in bfloat16"
    return Doubt(
        f"The preset {preset.name!r} was tuned on other weights of {preset.model.id!r}{copy}. It "
        "runs, but its measured FID is not this model's: look at its images beside the "
        "unpatched ones, or tune a preset of your own. apply(pipe, preset.schedule) runs it "
        "without this check.",
        other=True,
    )


def warn_of_other_weights(preset: Preset, pipe: Any) -> None:
    """Warn when a pipeline's weights are not those that a preset was tuned on, or when nobody can
    tell."""
    doubt = doubt_of(preset, pipe)
    if doubt is not None:
        warnings.warn(doubt.sentence, stacklevel=3)


def _unchecked(preset: Preset, reason: str) -> Doubt:
    sentence = (
        f"It was not checked whether the preset {preset.name!r} was tuned on these weights of "
        f"{preset.model.id!r}: {reason}. It runs."
    )
    return Doubt(sentence, other=False)


def _read(weights: Weights, dtype: torch.dtype) -> str:
    """The fingerprint of weights after rounding them to ``dtype``."""
    digest = hashlib.sha256()
    for name, weight in weights:
        digest.update(f"{name} {tuple(weight.shape)}\n".encode())
        half = weight.detach().to("cpu", dtype).to(torch.float16).contiguous()
        digest.update(half.numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"
