"""A file is read as pytorch-fid reads it, unless that is not what a person sees in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from search.errors import UserError
from search.quality.image_files import SUFFIXES, check_images, content_of, image_files
from search.quality.real_images import _load

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (8, 12, 3), dtype=np.uint8)


def pytorch_fid(path: Path) -> torch.Tensor:
    """The slow oracle: how pytorch-fid's data set opens a file, then what its ToTensor permutes."""
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)


def read(path: Path) -> torch.Tensor:
    """The file at its own size."""
    with Image.open(path) as image:
        width, height = image.size
    return _load(path, height, width, crop=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_kind_of_file_has_the_pixels_of_pytorch_fid(
    tmp_path: Path, suffix: str, mode: str
) -> None:
    if (suffix, mode) == (".pgm", "RGB"):
        pytest.skip("a .pgm file is grey")
    path = tmp_path / f"x{suffix}"
    Image.fromarray(PIXELS).convert(mode).save(path)
    check_images([path])
    assert torch.equal(read(path), pytorch_fid(path))


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_has_the_pixels_of_pytorch_fid(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("x.tif" if mode in ("CMYK", "YCbCr") else "x.png")
    Image.fromarray(PIXELS).convert(mode).save(path)
    check_images([path])
    assert torch.equal(read(path), pytorch_fid(path))


def transparent(mode: str) -> Image.Image:
    image = Image.fromarray(PIXELS).convert("RGBA")
    image.putpixel((3, 3), (9, 9, 9, 0))
    return image.convert(mode)


@pytest.mark.parametrize(
    ("image", "options", "reason"),
    [
        (Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257), {}, "more than 8 bits"),
        (transparent("RGBA"), {}, "some pixels are transparent"),
        (transparent("LA"), {}, "some pixels are transparent"),
        (
            Image.fromarray(PIXELS).convert("P"),
            {"transparency": Image.fromarray(PIXELS).convert("P").getpixel((0, 0))},
            "some pixels are transparent",
        ),
        (
            Image.fromarray(PIXELS),
            {"transparency": tuple(PIXELS[0, 0].tolist())},
            "are transparent",
        ),
    ],
    ids=["16 bits", "RGBA", "LA", "palette", "colour"],
)
def test_what_would_look_otherwise_is_refused(
    tmp_path: Path, image: Image.Image, options: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "x.png"
    image.save(path, **options)
    with pytest.raises(UserError, match=rf"x\.png.*{reason}"):
        check_images([path])
    with pytest.raises(UserError, match=rf"x\.png.*{reason}"):
        read(path)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_of_32_bits_are_refused(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "x.tif"
    Image.fromarray(PIXELS).convert("L").convert(mode).save(path)
    with pytest.raises(UserError, match=f"more than 8 bits .mode {mode}"):
        check_images([path])


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize(("orientation", "turned"), [(3, 2), (6, -1), (8, 1)])
def test_a_picture_is_turned_as_a_viewer_turns_it(
    tmp_path: Path, suffix: str, orientation: int, turned: int
) -> None:
    plain, marked = tmp_path / f"plain{suffix}", tmp_path / f"marked{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PIXELS).save(plain)
    Image.fromarray(PIXELS).save(marked, exif=exif)
    upright = torch.rot90(pytorch_fid(plain), turned, (1, 2))
    height, width = upright.shape[1:]
    assert torch.equal(_load(marked, height, width, crop=True), upright)


def test_linked_folders_are_entered_once(tmp_path: Path) -> None:
    real, data = tmp_path / "real", tmp_path / "data"
    (real / "inner").mkdir(parents=True)
    data.mkdir()
    Image.fromarray(PIXELS).save(data / "b.BMP")
    Image.fromarray(PIXELS).save(real / "inner" / "c.tif")
    (real / "a").symlink_to(data)
    (real / "inner" / "round").symlink_to(real)  # a circle
    files = image_files(real, "here", 2)
    assert [path.relative_to(real).as_posix() for path in files] == ["a/b.BMP", "inner/c.tif"]
    assert len(image_files(real, "here", 1)) == 1
    with pytest.raises(UserError, match="holds 2 images"):
        image_files(real, "here", 3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cut_file_is_seen_before_the_study(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    Image.fromarray(np.tile(PIXELS, (8, 8, 1))).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"1 image file\(s\)"):
        check_images([path])


def test_content_is_of_all_bytes_in_order(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_bytes(b"ab")
    two.write_bytes(b"c")
    before = content_of([one, two])
    assert before != content_of([two, one])
    one.write_bytes(b"a")
    two.write_bytes(b"bc")
    assert before != content_of([one, two])
