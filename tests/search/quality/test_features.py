"""Feature networks: the embedded one, Inception where it is at hand, and installed ones."""

from __future__ import annotations

import importlib.metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from search.errors import UserError
from search.quality import feature_packages, features
from search.quality.features import Released, load_feature_network
from search.quality.lpips import load_lpips

INCEPTION = Path.home() / ".cache/torch/hub/checkpoints/weights-inception-2015-12-05-6726825d.pth"


class Channels(nn.Module):
    """Features: the mean of each channel."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.dtype == torch.float32
        assert images.shape[-2:] == (512, 512)
        return images.mean((2, 3), keepdim=True)


def test_the_released_preprocessing() -> None:
    pixels = torch.zeros(2, 3, 256, 256, dtype=torch.uint8)
    pixels[1] = 255
    found = Released(Channels())(pixels)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    assert torch.allclose(found[0], -mean / deviation, atol=1e-5)
    assert torch.allclose(found[1], (1 - mean) / deviation, atol=1e-5)


def test_a_digest_tells_weights_apart() -> None:
    one, same = (load_feature_network("pocket") for _ in range(2))
    assert one.digest == same.digest
    with torch.no_grad():
        next(same.module.parameters()).add_(1)
    assert one.digest != same.digest


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'vgg' is unknown.*pocket, inception, inception_released"):
        load_feature_network("vgg")


@pytest.mark.parametrize("name", ["os:system", "torch.nn.Identity", "search.pocket:load_features"])
def test_a_configuration_cannot_import(name: str) -> None:
    with pytest.raises(UserError, match="is unknown"):
        load_feature_network(name)


def test_an_installed_package_adds_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("mine", f"{__name__}:Channels", feature_packages.PLUGINS)
    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", lambda _: Channels)
    for module in (features, feature_packages):
        monkeypatch.setattr(module, "entry_points", lambda group: [point])
    found = load_feature_network("mine")
    assert found.name == "mine"
    assert isinstance(found.module, Channels)


@pytest.mark.skipif(find_spec("torch_fidelity") is not None, reason="torch-fidelity is installed")
def test_inception_needs_its_extra() -> None:
    with pytest.raises(UserError, match=r"pip install 'dato\[fid\]'"):
        load_feature_network("inception")


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_the_released_inception_needs_its_extra() -> None:
    with pytest.raises(UserError, match=r"needs torchvision.*pip install 'dato\[fid\]'"):
        load_feature_network("inception_released")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch_fidelity") is None, reason="needs the extra fid")
@pytest.mark.skipif(not INCEPTION.is_file(), reason="needs torch-fidelity's Inception weights")
def test_inception_embeds_images() -> None:
    network = load_feature_network("inception", str(INCEPTION))
    pixels = torch.randint(0, 256, (2, 3, 512, 512), dtype=torch.uint8)
    found = torch.cat(list(network.embed([pixels], "cpu")))
    assert found.shape == (2, 2048)
    assert found.min() >= 0
    assert torch.isfinite(found).all()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torchvision") is None, reason="needs the extra fid")
def test_the_released_inception_embeds_images(tmp_path: Path) -> None:
    from torchvision.models import inception_v3

    path = tmp_path / "inception.pth"
    torch.save(inception_v3(weights=None, init_weights=False).state_dict(), path)
    network = load_feature_network("inception_released", str(path))
    pixels = torch.randint(0, 256, (2, 3, 512, 512), dtype=torch.uint8)
    assert torch.cat(list(network.embed([pixels], "cpu"))).shape == (2, 2048)


class Planted:
    """What a stranger's file of weights may hold."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a file of weights ran code",))


def test_a_file_of_weights_runs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"features.0.weight": Planted()}, path)
    with pytest.raises(UserError, match=r"Cannot read the weights|AlexNet weights"):
        load_lpips(str(path), "cpu")
    with pytest.raises(UserError, match=r"Cannot read the weights|needs"):
        load_feature_network("inception", str(path))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch_fidelity") is None, reason="needs the extra fid")
def test_inception_s_own_preprocessing_and_layers_on_random_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = tmp_path / "inception.pth"
    torch.save({}, path)
    with monkeypatch.context() as patch:  # it can only be built from a file of weights
        patch.setattr(nn.Module, "load_state_dict", lambda *_, **__: None)
        torch.manual_seed(0)
        stored = FeatureExtractorInceptionV3("inception", ["2048"], str(path)).state_dict()
    torch.save(stored, path)
    network = load_feature_network("inception", str(path))
    pixels = torch.randint(0, 256, (3, 3, 96, 96), dtype=torch.uint8)
    found = torch.cat(list(network.embed([pixels], "cpu")))
    theirs = FeatureExtractorInceptionV3("inception", ["2048"], str(path)).eval()
    with torch.no_grad():
        assert torch.allclose(found, theirs(pixels)[0], rtol=1e-4, atol=1e-5)
    assert found.shape == (3, 2048)
