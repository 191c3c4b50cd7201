"""The unpatched model's images and drift, made once for a study and kept in its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from dato.files import replace_bytes
from search.errors import UserError
from search.model.images import Images
from search.records.folder import StudyFolder, write_json
from search.records.reading import read_text

VERSION = 1


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
    folder: StudyFolder, fingerprint: str, make: Callable[[], tuple[float, ...]]
) -> tuple[float, ...]:
    """Drift of each call. It is kept, because a threshold must always decode to the same schedule.

    Raises:
        UserError: the study was started with other weights.
    """
    if folder.reference.is_file():
        stored = read_reference(folder)
        if stored.fingerprint != fingerprint:
            raise UserError(
                "The model's weights have changed since this study was started "
                f"({stored.fingerprint[:19]}..., now {fingerprint[:19]}...). "
                "Start a new sweep, or put the old weights back."
            )
        return stored.drift
    drift = make()
    write_json(
        folder.reference, {"version": VERSION, "fingerprint": fingerprint, "drift": list(drift)}
    )
    return drift


class Reference(BaseModel):
    """``reference.json``: the drift of each call, and the weights on which it was measured."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    version: Literal[1]
    fingerprint: str = Field(max_length=200)
    drift: tuple[float, ...]


def read_reference(folder: StudyFolder) -> Reference:
    """A study's ``reference.json``.

    Raises:
        UserError: it is missing or broken.
    """
    remedy = "Start the study anew."
    try:
        return Reference.model_validate_json(read_text(folder.reference, remedy))
    except ValueError as error:
        path = str(folder.reference)
        raise UserError(f"Cannot read {path!r}: it is damaged. {remedy}") from error
