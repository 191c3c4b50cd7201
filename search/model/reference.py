"""The unpatched model's images and drift, made once for a study and kept in its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from dato.files import replace_bytes
from dato.preset.fields import Setting
from search.errors import UserError
from search.model.images import Images
from search.records.reference import VERSION, read_drift
from search.records.writing import write_json


def kept_images(path: Path, count: int, make: Callable[[], Images]) -> Images:
    """Images from ``path``; if it does not exist they are made and written there, whole or not at
    all.

    Args:
        count: how many they have to be.

    Raises:
        UserError: the file is damaged, or holds other tensors.
    """
    if path.is_file():
        return _read_images(path, count)
    images = make().cpu()
    replace_bytes(path, save({"pixels": images.pixels, "latents": images.latents}))
    return images


def _read_images(path: Path, count: int) -> Images:
    try:
        tensors = load_file(path)
        pixels, latents = tensors["pixels"], tensors["latents"]
    except (SafetensorError, KeyError, OSError) as error:
        raise _damaged(path, "it is damaged") from error
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3:
        raise _damaged(path, f"its pixels are {_kind(pixels)}")
    if not latents.is_floating_point() or not latents.isfinite().all():
        raise _damaged(path, f"its latents are {_kind(latents)}, not all finite")
    if not len(pixels) == len(latents) == count:
        raise _damaged(path, f"it holds {len(pixels)} images and {len(latents)} latents of {count}")
    return Images(pixels, latents)


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(
        f"Cannot read {str(path)!r}: {reason}. Delete it, so that its images are made again."
    )


def kept_drift(
    path: Path,
    fingerprint: str,
    settings: Mapping[str, Setting],
    make: Callable[[], tuple[float, ...]],
) -> tuple[float, ...]:
    """Drift of each call. It is kept, because a threshold must always decode to the same schedule.

    Args:
        settings: of the scheduler, which are kept beside it for the study's presets.

    Raises:
        UserError: the study was started with other weights.
    """
    if path.is_file():
        stored = read_drift(path)
        if stored.fingerprint != fingerprint:
            raise UserError(
                "The model's weights have changed since this study was started "
                f"({stored.fingerprint[:19]}..., now {fingerprint[:19]}...). "
                "Start a new sweep, or put the old weights back."
            )
        return stored.drift
    drift = make()
    known = {"fingerprint": fingerprint, "drift": list(drift), "settings": dict(settings)}
    write_json(path, {"version": VERSION, **known})
    return drift
