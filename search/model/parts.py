"""Digests of all that a loaded pipeline makes images with, part by part.

The denoiser's weights have a fingerprint (:func:`dato.fingerprint`). Text encoders, autoencoder,
tokenizers and settings change images as well, and a study must see when they do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

UNUSED = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that no image of a study goes through."""

SETTINGS = (".json", ".txt", ".model")
"""Suffixes of files that hold a part's settings or its vocabulary."""


def digests_of(pipe: Any, denoiser: nn.Module, folder: Path | None) -> Mapping[str, str]:
    """A digest of each part, by the part's name in the pipeline.

    Weights are read once, rounded to half precision as the fingerprint reads them: an autoencoder
    that was turned to float32 for decoding is the same. So this takes about as long as hashing the
    model's files in half precision. The denoiser's weights, which the fingerprint covers, are left
    out.

    Args:
        folder: of the pipeline, for settings and vocabularies; ``None`` if it was built without.
    """
    digests = {}
    for name, part in sorted(pipe.components.items()):
        if part is None or name in UNUSED:
            continue
        digest = hashlib.sha256()
        if isinstance(part, nn.Module) and part is not denoiser:
            for key, value in sorted(part.state_dict().items()):
                digest.update(f"{key} {tuple(value.shape)}\n".encode())
                digest.update(_bytes(value))
        for content in [] if folder is None else _settings(folder / name):
            digest.update(content)
        digests[name] = f"sha256:{digest.hexdigest()}"
    return digests


def _bytes(value: Tensor) -> Any:
    value = value.detach()
    if value.is_floating_point():
        value = value.to("cpu", torch.float16)
    return value.cpu().contiguous().flatten().view(torch.uint8).numpy()


def _settings(folder: Path) -> Iterator[bytes]:
    """The files of a part that hold no weights. What a library notes about itself does not count:
    names with an underscore in front."""
    for path in sorted(folder.glob("*")):
        if path.suffix not in SETTINGS or ".index." in path.name:
            continue
        content = path.read_bytes()
        yield path.name.encode() + b"\n" + _without_notes(content)


def _without_notes(content: bytes) -> bytes:
    try:
        values = json.loads(content)
    except ValueError:
        return content
    if isinstance(values, dict):
        values = {key: value for key, value in values.items() if not key.startswith("_")}
    return json.dumps(values, sort_keys=True).encode()
