from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, StableDiffusionPipeline
from PIL import Image

from dato.pocket import load_pipeline, pocket_path
from search.pocket import FeatureNetwork, judge, load_features
from search.pocket.captions import BACKGROUNDS, COLOURS, SHAPES, sample_scenes
from search.pocket.features import HEADS, read
from search.pocket.judge import correct
from search.pocket.render import render

CAPTION = "a red circle left of a blue square on a white background"
WORDS = ("a", "an", "on", "left", "of", "above", "background", *BACKGROUNDS, *COLOURS, *SHAPES)


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    pipeline = load_pipeline()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def features() -> FeatureNetwork:
    return load_features()


def test_every_word_is_one_token(pipeline: StableDiffusionPipeline) -> None:
    for word in WORDS:
        assert len(pipeline.tokenizer(word).input_ids) == 3, word
    assert len(pipeline.tokenizer(CAPTION).input_ids) == len(CAPTION.split()) + 2


def test_other_text_still_tokenizes(pipeline: StableDiffusionPipeline) -> None:
    ids = pipeline.tokenizer("Zwölf Boxkämpfer?", truncation=True).input_ids
    assert pipeline.tokenizer.unk_token_id not in ids[1:-1]


def test_topology_is_that_of_stable_diffusion(pipeline: StableDiffusionPipeline) -> None:
    unet = pipeline.unet
    assert sum(len(b.resnets) + bool(b.downsamplers) for b in unet.down_blocks) + 1 == 12
    assert unet.dtype == torch.float32
    assert sum(p.numel() for p in unet.parameters()) < 3e6
    total = sum(f.stat().st_size for f in pocket_path().rglob("*") if f.is_file())
    assert total < 20e6


@pytest.mark.parametrize("scheduler", [None, EulerDiscreteScheduler, DPMSolverMultistepScheduler])
def test_samplers_make_the_captioned_background(
    pipeline: StableDiffusionPipeline, features: FeatureNetwork, scheduler: Any
) -> None:
    kept = pipeline.scheduler
    if scheduler is not None:
        pipeline.scheduler = scheduler.from_config(kept.config)
    images = pipeline(
        [CAPTION] * 2,
        num_inference_steps=8,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(0),
        output_type="pt",
    ).images
    pipeline.scheduler = kept
    assert images.shape == (2, 3, 64, 64)
    found = read(features, (images * 255).round().to(torch.uint8))
    assert all(answer["background"] == "white" for answer in found)


def test_codec_returns_what_it_was_given(pipeline: StableDiffusionPipeline) -> None:
    images = render(sample_scenes(8, seed=9, split="held_out"))
    pixels = images.float() / 127.5 - 1.0
    with torch.no_grad():
        latents = pipeline.vae.encode(pixels).latents
        decoded = pipeline.vae.decode(latents).sample.clamp(-1, 1)
    assert latents.shape == (8, 6, 32, 32)
    error = ((decoded - pixels) / 2).square().mean()
    assert -10 * error.log10().item() > 35


def test_plain_diffusers_loads_the_folder_and_makes_a_picture() -> None:
    plain = StableDiffusionPipeline.from_pretrained(pocket_path())
    plain.set_progress_bar_config(disable=True)
    image = plain(CAPTION, num_inference_steps=2).images[0]
    assert isinstance(image, Image.Image)
    assert image.size == (64, 64)


def test_real_renders_are_judged_right(features: FeatureNetwork) -> None:
    scenes = sample_scenes(400, seed=11, split="held_out")
    accuracy = judge(render(scenes), [scene.caption for scene in scenes], features)
    assert min(accuracy.background, accuracy.colour, accuracy.shape, accuracy.position) > 0.97


def test_judge_notices_swapped_objects_and_wrong_captions(features: FeatureNetwork) -> None:
    scenes = [s for s in sample_scenes(200, seed=12) if s.spec.layout == "left of"]
    captions = [scene.caption for scene in scenes]
    swapped = judge(render(scenes).flip(-1), captions, features)
    assert swapped.position < 0.05
    assert swapped.background > 0.95
    shifted = judge(render(scenes), captions[1:] + captions[:1], features)
    assert max(shifted.background, shifted.colour, shifted.shape) < 0.6
    with pytest.raises(ValueError, match="one caption for each image"):
        judge(render(scenes), captions[1:], features)


def test_a_picture_is_correct_when_all_of_its_caption_shows(features: FeatureNetwork) -> None:
    scenes = sample_scenes(100, seed=14)
    captions = [scene.caption for scene in scenes]
    images = render(scenes)
    right = correct(images, captions, features)
    assert right.shape == (100,) and right.mean() > 0.95
    assert correct(images, captions[1:] + captions[:1], features).mean() < 0.2


def test_every_feature_has_a_deviation_of_one_over_real_renders(features: FeatureNetwork) -> None:
    found = features(render(sample_scenes(1000, seed=15, split="training"))).std(0)
    torch.testing.assert_close(found, torch.ones(features.num_features), atol=0.12, rtol=0)


def test_features_have_the_promised_form(features: FeatureNetwork, tmp_path: Path) -> None:
    images = render(sample_scenes(6, seed=13))
    embedded = features(images)
    assert embedded.shape == (6, features.num_features)
    assert embedded.dtype == torch.float32
    larger = torch.nn.functional.interpolate(images.float(), scale_factor=2).to(torch.uint8)
    assert features(larger).shape == embedded.shape
    torch.testing.assert_close(features(images[:1]), embedded[:1], atol=1e-4, rtol=1e-4)
    logits = features.logits(embedded)
    assert {name: logits[name].shape[1] for name in logits} == {n: len(a) for n, a in HEADS.items()}
