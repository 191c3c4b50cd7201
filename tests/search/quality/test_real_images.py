"""Real images: folders, renders and files of statistics; computed once."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from search.errors import UserError
from search.quality.features import FeatureNetwork
from search.quality.frechet import Moments
from search.quality.real_images import real_statistics, statistics_folder
from search.quality.statistics import KEPT, Statistics, load_statistics, save_statistics


class Corner(nn.Module):
    """Features: the first pixel, and the image's height and width; counts its images."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen += len(pixels)
        size = torch.tensor(pixels.shape[-2:]).expand(len(pixels), 2)
        return torch.cat([pixels[:, :, 0, 0] * self.scale.detach(), size], 1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dato" / "statistics"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images of another shape; the first is the last by time."""
    path = tmp_path / "real"
    (path / "inner").mkdir(parents=True)
    for number, name in enumerate(("inner/b.png", "a.jpg", "c.webp")):
        Image.new("RGB", (24, 8), (60 * number or 30, 0, 0)).save(path / name, quality=100)
    return path


def moments(folder: Path, network: FeatureNetwork, count: int = 3) -> Moments:
    return real_statistics(str(folder), network, count=count, seed=0, size=(4, 6)).moments


def test_a_folder_is_taken_in_the_order_of_names_and_cropped(folder: Path) -> None:
    found = moments(folder, FeatureNetwork("corner", Corner()), count=2)
    assert found.mean[3:].tolist() == [4, 6]
    assert found.mean[0] == pytest.approx((60 + 120) / 2, abs=2)  # a.jpg and c.webp


def test_a_network_with_a_square_of_its_own_stretches(folder: Path) -> None:
    found = moments(folder, FeatureNetwork("corner", Corner(), square=16))
    assert found.mean[3:].tolist() == [16, 16]


def test_a_folder_is_embedded_once(folder: Path, cache: Path) -> None:
    network = Corner()
    first = moments(folder, FeatureNetwork("corner", network))
    again = moments(folder, FeatureNetwork("corner", network))
    assert network.seen == 3
    assert torch.equal(first.covariance, again.covariance)
    assert statistics_folder() == cache
    assert len(list(cache.iterdir())) == 1
    kept = real_statistics(
        str(next(cache.iterdir())), FeatureNetwork("x", network), count=9, seed=0, size=(1, 1)
    )
    assert torch.equal(kept.moments.mean, first.mean)
    assert kept.features is not None
    assert kept.features.shape == (3, 5)


def _png(red: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 8), (red, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("change", ["count", "size", "weights", "name", "file", "content"])
def test_what_moments_depend_on_embeds_again(folder: Path, change: str) -> None:
    network = Corner()
    moments(folder, FeatureNetwork("corner", network))
    count, size, name = 3, (4, 6), "corner"
    match change:
        case "count":
            count = 2
        case "size":
            size = (5, 6)
        case "weights":
            network.scale.data += 1
        case "name":
            name = "other"
        case "file":
            Image.new("RGB", (24, 8)).save(folder / "0.png")
        case "content":  # of the same name, length and time
            path, time = folder / "inner" / "b.png", (folder / "inner" / "b.png").stat().st_mtime_ns
            others = (_png(red) for red in range(31, 256))
            path.write_bytes(next(each for each in others if len(each) == path.stat().st_size))
            os.utime(path, ns=(time, time))
    real_statistics(str(folder), FeatureNetwork(name, network), count=count, seed=0, size=size)
    assert network.seen == 3 + count


def test_renders_follow_their_seed() -> None:
    network = FeatureNetwork("corner", Corner())
    one, same, other = (
        real_statistics("pocket", network, count=20, seed=seed, size=(64, 64)).moments
        for seed in (0, 0, 1)
    )
    assert torch.equal(one.mean, same.mean)
    assert not torch.equal(one.mean, other.mean)


def test_too_few_images_are_named() -> None:
    network = FeatureNetwork("corner", Corner())
    with pytest.raises(UserError, match="is no folder"):
        real_statistics("/no/such/folder", network, count=3, seed=0, size=(8, 8))


def test_statistics_of_pytorch_fid_and_clean_fid(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(30, 5))
    mu, sigma = features.mean(0), np.cov(features, rowvar=False)
    np.savez_compressed(tmp_path / "pytorch_fid.npz", mu=mu, sigma=sigma)
    np.savez_compressed(tmp_path / "clean_fid.npz", mu=mu, sigma=sigma)
    np.savez_compressed(tmp_path / "clean_fid_kid.npz", feats=features.astype(np.float32))
    for name in ("pytorch_fid", "clean_fid", "clean_fid_kid"):
        found = load_statistics(tmp_path / f"{name}.npz")
        assert np.allclose(found.moments.mean, mu, atol=1e-6)
        assert np.allclose(found.moments.covariance, sigma, atol=1e-6)
        assert (found.features is None) == (name != "clean_fid_kid")


def test_statistics_are_written_in_that_layout(tmp_path: Path) -> None:
    written = Statistics.of([torch.randn(9, 4)])
    save_statistics(tmp_path / "mine.npz", written)
    with np.load(tmp_path / "mine.npz") as stored:
        assert stored["mu"].shape == (4,)
        assert stored["sigma"].shape == (4, 4)
        assert stored["feats"].shape == (9, 4)
    read = load_statistics(tmp_path / "mine.npz")
    assert torch.equal(read.moments.covariance, written.moments.covariance)
    assert read.features is not None and written.features is not None
    assert torch.equal(read.features, written.features)
    assert [path.name for path in tmp_path.glob("mine*")] == ["mine.npz"]


def test_moments_are_of_all_rows_and_features_of_the_first() -> None:
    rows = torch.arange(2.0 * KEPT + 20).view(-1, 2)
    found = Statistics.of(rows.split(64))
    assert found.features is not None
    assert torch.equal(found.features, rows[:KEPT])
    assert torch.allclose(found.moments.mean, rows.double().mean(0))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mean": np.zeros(3)}, "neither mu and sigma nor feats"),
        ({"mu": np.zeros(3), "sigma": np.zeros((2, 2))}, r"\(3,\) and sigma of shape \(2, 2\)"),
        ({"mu": np.zeros((3, 1)), "sigma": np.zeros((3, 3))}, r"\(3, 1\)"),
        ({"mu": np.array([{}]), "sigma": np.zeros((1, 1))}, "Cannot read"),
        ({}, "neither mu and sigma nor feats"),
        ({"mu": np.zeros(0), "sigma": np.zeros((0, 0))}, r"mu of shape \(0,\)"),
        ({"mu": np.array([0, np.inf]), "sigma": np.eye(2)}, "NaN or infinity in mu"),
        ({"mu": np.zeros(2), "sigma": np.diag([1, np.nan])}, "NaN or infinity in sigma"),
        ({"feats": np.array([[1.0], [np.nan]])}, "NaN or infinity in feats"),
        ({"feats": np.zeros((1, 4))}, "nor feats of two images"),
        ({"mu": np.zeros(2), "sigma": np.eye(2, dtype=complex)}, "sigma of complex128"),
        ({"mu": np.array(["a"]), "sigma": np.eye(1)}, "mu of <U1"),
        ({"mu": np.zeros(2), "sigma": np.array([[1, 0.1], [0, 1]])}, "not symmetric"),
        ({"mu": np.zeros(2), "sigma": np.array([[1, 2], [2, 1]])}, "eigenvalue -1"),
        ({"mu": np.zeros(2), "sigma": np.diag([1, -0.01])}, "eigenvalue -0.01"),
        (
            {"mu": np.zeros(2), "sigma": np.eye(2), "feats": np.zeros((3, 5))},
            "mu of 2 numbers and feats of 5",
        ),
        (None, "Cannot read"),
    ],
)
def test_other_files_are_explained(
    tmp_path: Path, arrays: dict[str, NDArray[Any]] | None, message: str
) -> None:
    path = tmp_path / "file.npz"
    if arrays is None:
        path.write_text("text")
    else:
        np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(UserError, match=message):
        load_statistics(path)


@pytest.mark.parametrize("damage", ["empty", "cut"])
def test_damaged_archives_are_one_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "file.npz"
    np.savez_compressed(path, mu=np.zeros(40), sigma=np.random.default_rng(0).normal(size=(40, 40)))
    data = bytearray(path.read_bytes())
    match damage:
        case "empty":
            data.clear()
        case "cut":
            data[200:400] = bytes(200)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"Cannot read quality.real=.*Give an \.npz file"):
        load_statistics(path)


@given(st.integers(2, 12), st.integers(2, 12), st.sampled_from(["float32", "float64"]), st.data())
def test_every_covariance_of_features_is_taken(
    rows: int, size: int, dtype: str, data: st.DataObject
) -> None:
    scale = data.draw(st.sampled_from([1e-6, 1.0, 1e4]))
    seed = data.draw(st.integers(0, 99))
    features = (scale * np.random.default_rng(seed).normal(size=(rows, size))).astype(dtype)
    mu, sigma = features.mean(0), np.atleast_2d(np.cov(features, rowvar=False)).astype(dtype)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "file.npz", mu=mu, sigma=sigma)
        assert load_statistics(Path(folder) / "file.npz").moments.mean.numel() == size


def test_a_suffix_in_capitals_is_the_same(tmp_path: Path) -> None:
    np.savez(tmp_path / "file.npz", mu=np.zeros(2), sigma=np.eye(2))
    (tmp_path / "file.npz").rename(tmp_path / "FILE.NPZ")
    network = FeatureNetwork("corner", Corner())
    source = str(tmp_path / "FILE.NPZ")
    found = real_statistics(source, network, count=9, seed=0, size=(1, 1))
    assert torch.equal(found.moments.covariance, torch.eye(2).double())


@pytest.mark.parametrize("name", ["file.npy", "file.pt", "file.PKL", "picture.png"])
def test_another_file_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(UserError, match=r"is a file, but neither .* Give an \.npz file"):
        moments(tmp_path / name, FeatureNetwork("corner", Corner()))


def test_a_cut_image_is_named(folder: Path) -> None:
    cut = folder / "c.webp"
    cut.write_bytes(cut.read_bytes()[:-8])
    with pytest.raises(UserError, match=r"real image .*c\.webp"):
        moments(folder, FeatureNetwork("corner", Corner()))


def test_hidden_files_are_no_images(folder: Path) -> None:
    (folder / "._a.jpg").write_bytes(b"not an image")
    network = FeatureNetwork("corner", Corner())
    assert moments(folder, network, count=3).mean.tolist()
    with pytest.raises(UserError, match=r"holds 3 images .*, but 4 are needed"):
        moments(folder, network, count=4)


def test_a_cache_that_cannot_be_written_is_named_and_costs_nothing_else(
    folder: Path, cache: Path
) -> None:
    cache.parent.parent.mkdir(parents=True)
    cache.parent.touch()  # a file where the folder should be
    with pytest.warns(RuntimeWarning, match=r"Cannot keep .* cache .*XDG_CACHE_HOME"):
        assert len(moments(folder, FeatureNetwork("corner", Corner())).mean) == 5


def test_a_damaged_file_in_the_cache_is_replaced(folder: Path, cache: Path) -> None:
    network = FeatureNetwork("corner", Corner())
    first = moments(folder, network)
    (kept,) = cache.iterdir()
    kept.write_bytes(b"damaged")
    assert torch.equal(moments(folder, network).mean, first.mean)
    assert load_statistics(kept)
