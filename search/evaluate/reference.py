"""The unpatched model's images and drift, made once per study and kept in its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file, save_file

from search.errors import UserError
from search.evaluate.generate import Images
from search.folder import StudyFolder, write_json

VERSION = 1


def kept_images(path: Path, make: Callable[[], Images]) -> Images:
    """Images from ``path``, or made and written there, whole or not at all."""
    if path.is_file():
        tensors = load_file(path)
        return Images(tensors["pixels"], tensors["latents"])
    images = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    save_file({"pixels": images.pixels, "latents": images.latents}, temporary)
    os.replace(temporary, path)
    return images


def kept_drift(
    folder: StudyFolder, fingerprint: str, make: Callable[[], tuple[float, ...]]
) -> tuple[float, ...]:
    """Drift per call; kept, because a threshold must decode to the same schedule for ever.

    Raises:
        UserError: the study was started with other weights.
    """
    if folder.reference.is_file():
        stored = json.loads(folder.reference.read_text(encoding="utf-8"))
        if stored["fingerprint"] != fingerprint:
            raise UserError(
                "The model's weights differ from those that this study was started with "
                f"({stored['fingerprint'][:19]}..., now {fingerprint[:19]}...). "
                "Start a new sweep, or bring the old weights back."
            )
        return tuple(stored["drift"])
    drift = make()
    write_json(
        folder.reference, {"version": VERSION, "fingerprint": fingerprint, "drift": list(drift)}
    )
    return drift
