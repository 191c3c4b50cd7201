"""Sample grids: whole pixels, whole files."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from search.model.images import Images
from search.records.folder import StudyFolder
from search.report.sample_files import GAP, grid, save_samples


def test_small_images_are_enlarged_by_a_whole_factor() -> None:
    pixels = torch.zeros(5, 3, 64, 48, dtype=torch.uint8)
    pixels[4, 0] = 255
    sheet = grid(pixels, columns=3)
    assert sheet.size == (3 * 96 + 2 * GAP, 2 * 128 + GAP)
    assert sheet.getpixel((96 + GAP + 50, 128 + GAP + 5)) == (255, 0, 0)
    assert sheet.getpixel((2 * 96 + 2 * GAP + 5, 128 + GAP + 5)) == (255, 255, 255)


def test_large_images_keep_their_size() -> None:
    assert grid(torch.zeros(1, 3, 512, 512, dtype=torch.uint8)).size == (512, 512)


def test_each_entry_becomes_one_png(tmp_path: Path) -> None:
    images = Images(torch.zeros(30, 3, 64, 64, dtype=torch.uint8), torch.zeros(30, 1, 2, 2))
    folder = StudyFolder(tmp_path)
    save_samples({"unpatched": images, "speedup-2.0x": images}, folder)
    names = sorted(path.name for path in folder.samples.iterdir())
    assert names == ["speedup-2.0x.png", "unpatched.png"]
    with Image.open(folder.samples / "unpatched.png") as sheet:
        assert sheet.format == "PNG"
