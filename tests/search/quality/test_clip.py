"""CLIP score by a model of random weights, saved and loaded as the published ones are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

from search.errors import UserError
from search.quality.clip import ClipScorer
from tests.search.quality.tiny_clip import save_clip

PROMPTS = ["a b", "c", "b a d c b a d c b a d c b a d c b a d c"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"))


def images(height: int, width: int) -> torch.Tensor:
    """Smooth ones: the two libraries' filters differ where nothing is smooth."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(3, 3, 3, 3, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return (fine.clamp(0, 1) * 255).to(torch.uint8)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (32, 32), (24, 40)])
def test_the_score_is_what_the_library_itself_computes(
    folder: Path, height: int, width: int
) -> None:
    shown = images(height, width)
    model = CLIPModel.from_pretrained(folder)
    pictures = [picture.permute(1, 2, 0).numpy() for picture in shown]
    pixels = CLIPImageProcessor.from_pretrained(folder)(pictures, return_tensors="pt")
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    expected = []
    with torch.no_grad():
        for place, prompt in enumerate(PROMPTS):
            tokens = tokenizer([prompt], truncation=True, max_length=12, return_tensors="pt")
            logits = model(**tokens, pixel_values=pixels["pixel_values"]).logits_per_image
            expected.append(float(100 * logits[place, 0] / model.logit_scale.exp()))
    found = ClipScorer.load(str(folder), "cpu")(shown, shown, PROMPTS)
    assert found.tolist() == pytest.approx(expected, abs=0.3)


def test_each_prompt_is_embedded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = ClipScorer.load(str(folder), "cpu")
    shown = images(8, 8)
    first = scorer(shown, shown, PROMPTS)
    monkeypatch.delattr(CLIPModel, "get_text_features")
    assert torch.equal(scorer(shown, shown, PROMPTS), first)


def test_without_a_network_it_says_what_to_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.quality.clip.is_offline_mode", lambda: True)
    with pytest.raises(UserError, match=r"HF_HUB_OFFLINE is set.*Run 'hf download some/clip'"):
        ClipScorer.load("some/clip", "cpu")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"quality\.clip_path=.*as a CLIP model"):
        ClipScorer.load(str(tmp_path), "cpu")
    with pytest.raises(UserError, match="no folder at"):
        ClipScorer.load(str(tmp_path / "missing"), "cpu")
