"""The reference is made once, and belongs to its weights."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from search.errors import UserError
from search.model.images import Images
from search.model.reference import kept_drift, kept_images


def test_images_are_made_once_and_read_back_equal(tmp_path: Path) -> None:
    made = Images(torch.arange(48, dtype=torch.uint8).view(1, 3, 4, 4), torch.randn(1, 2, 2, 2))
    calls = []

    def make() -> Images:
        calls.append(1)
        return made

    for _ in range(2):
        kept = kept_images(tmp_path / "reference.safetensors", 1, make)
        assert torch.equal(kept.pixels, made.pixels)
        assert torch.equal(kept.latents, made.latents)
    assert len(calls) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["reference.safetensors"]


@pytest.mark.parametrize(
    ("pixels", "latents", "words"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 2, 2), "pixels are float32 of shape"),
        (torch.zeros(2, 4, 4, dtype=torch.uint8), torch.zeros(2, 4, 2, 2), r"shape \(2, 4, 4\)"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.full((2, 4), math.nan), "not all fin"),
        (torch.zeros(3, 3, 4, 4, dtype=torch.uint8), torch.zeros(3, 4), "holds 3 images and 3"),
    ],
)
def test_other_tensors_than_a_studys_images_are_refused(
    pixels: torch.Tensor, latents: torch.Tensor, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "reference.safetensors"
    kept_images(path, 2, lambda: Images(pixels, latents))
    with pytest.raises(UserError, match=f"{words}.*Delete it"):
        kept_images(path, 2, lambda: Images(pixels, latents))


def test_drift_is_recorded_once_and_bound_to_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "reference.json"
    assert kept_drift(path, "sha256:aa", {}, lambda: (0.0, 0.25)) == (0.0, 0.25)
    assert kept_drift(path, "sha256:aa", {}, lambda: (9.0, 9.0)) == (0.0, 0.25)
    with pytest.raises(UserError, match="weights have changed"):
        kept_drift(path, "sha256:bb", {}, lambda: (0.0, 0.25))
