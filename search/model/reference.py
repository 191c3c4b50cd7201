"""The unpatched model's images and drift, made once for a study and kept in its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from dato.files import replace_bytes
from dato.preset.fields import Setting
from search.errors import UserError
from search.model.images import Images
from search.records.folder import write_json
from search.records.reference import VERSION, read_drift


def kept_images(path: Path, make: Callable[[], Images]) -> Images:
    """Images from ``path``; if it does not exist they are made and written there, whole or not at
    all."""
    if path.is_file():
        try:
            tensors = load_file(path)
            return Images(tensors["pixels"], tensors["latents"])
        except (SafetensorError, KeyError) as error:
            raise UserError(
                f"Cannot read {str(path)!r}: it is damaged. Delete it, so that its images are made "
                "again."
            ) from error
    images = make().cpu()
    replace_bytes(path, save({"pixels": images.pixels, "latents": images.latents}))
    return images


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
