"""LPIPS on AlexNet: its definition, its weights' file, and torchmetrics' own where it can run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from search.errors import UserError
from search.quality.lpips import MEAN, TAPS, alexnet_features, load_lpips


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file laid out as torchvision's, of random numbers."""
    torch.manual_seed(0)
    stored = {f"features.{name}": value for name, value in alexnet_features().state_dict().items()}
    path = tmp_path_factory.mktemp("lpips") / "alexnet.pth"
    torch.save({**stored, "classifier.1.weight": torch.zeros(1)}, path)
    return path


def pictures(seed: int, count: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 3, 64, 72), generator=generator, dtype=torch.uint8)


def test_equal_images_are_at_zero_and_more_noise_is_farther(weights: Path) -> None:
    lpips, shown = load_lpips(str(weights), "cpu"), pictures(0)
    assert lpips(shown, shown).tolist() == [0, 0, 0]
    near = (0.9 * shown.float() + 0.1 * pictures(1).float()).to(torch.uint8)
    assert (lpips(near, shown) < lpips(pictures(1), shown)).all()
    assert torch.allclose(lpips(near, shown), lpips(shown, near))


@torch.no_grad()
def test_the_definition_written_out_for_one_pair(weights: Path) -> None:
    lpips, (shown, other) = load_lpips(str(weights), "cpu"), pictures(2, 2)
    total = 0.0
    x, y = ((image[None].float() / 127.5 - 1) for image in (shown, other))
    x, y = ((image - torch.tensor(MEAN).view(1, 3, 1, 1)) / lpips.deviation for image in (x, y))
    for place, layer in enumerate(lpips.backbone):
        x, y = layer(x), layer(y)
        if place in TAPS:
            weight = lpips.weights[TAPS.index(place)]
            for row in range(x.shape[2]):
                for column in range(x.shape[3]):
                    a, b = x[0, :, row, column], y[0, :, row, column]
                    gap = a / (a.norm() + 1e-10) - b / (b.norm() + 1e-10)
                    total += float((weight * gap.square()).sum()) / (x.shape[2] * x.shape[3])
    assert lpips(shown[None], other[None]).tolist() == pytest.approx([total], rel=1e-3)


def test_it_is_torchmetrics_own(weights: Path) -> None:
    pytest.importorskip("torchvision", reason="torchmetrics' LPIPS needs torchvision")
    from torchmetrics.functional.image.lpips import _LPIPS

    theirs = _LPIPS(pretrained=True, net="alex", pnet_rand=True).eval()
    ours = load_lpips(str(weights), "cpu")
    for piece in theirs.net.children():
        for name, _ in list(piece.named_children()):
            setattr(piece, name, ours.backbone[int(name)])
    shown, other = pictures(3), pictures(4)
    expected = theirs(shown.float() / 127.5 - 1, other.float() / 127.5 - 1).flatten()
    assert ours(shown, other).tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_without_weights_it_says_what_to_download(tmp_path: Path) -> None:
    broken = tmp_path / "alexnet.pth"
    torch.save({"features.0.weight": torch.zeros(1)}, broken)
    for path in (broken, tmp_path / "missing.pth"):
        with pytest.raises(UserError, match=r"AlexNet weights.*Download https.*feature_distance"):
            load_lpips(str(path), "cpu")
