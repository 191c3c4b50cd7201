"""The metrics by name: directions, losses, what each needs, and the values of a meter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from search.errors import TrialError, UserError
from search.metrics import METRICS, metric
from search.model.images import Images
from search.pocket.captions import sample_scenes
from search.pocket.render import render
from search.quality.features import FeatureNetwork
from search.quality.kid import paired_kid
from search.quality.meter import QualityMeter
from search.quality.scorers import OF_SETS, load_scorers
from search.quality.statistics import Statistics
from tests.search.quality.test_meter import Means, images
from tests.search.study.test_evaluator import SETTINGS

NETWORK = FeatureNetwork("means", Means())
REFERENCE = images(70, 1)  # more than one batch
REAL = Statistics.of(NETWORK.embed([images(50, 0).pixels], "cpu"))
HERE = ("kid_reference", "kid_real", "psnr", "ssim", "feature_distance")
"""Metrics that need no weights."""


def meter(*names: str, real: Statistics | None = REAL) -> QualityMeter:
    scorers = load_scorers(names, SETTINGS, "cpu")
    return QualityMeter(NETWORK, real, REFERENCE, metrics=names, scorers=scorers)


def noisy(amount: int) -> Images:
    generator = torch.Generator().manual_seed(5)
    noise = torch.randint(-amount, amount + 1, REFERENCE.pixels.shape, generator=generator)
    pixels = (REFERENCE.pixels.int() + noise).clamp(0, 255).to(torch.uint8)
    return Images(pixels, REFERENCE.latents)


@pytest.mark.parametrize("name", METRICS)
def test_a_better_value_is_a_smaller_loss(name: str) -> None:
    asked = metric(name)
    for value, other in ((0.2, 0.1), (30.0, 20.0)):
        assert asked.better(value, other) == (asked.loss(value) < asked.loss(other))


@pytest.mark.parametrize("name", METRICS)
def test_only_losses_that_reach_zero_at_perfection_compare_by_ratio(name: str) -> None:
    perfect = {"psnr": math.inf, "ssim": 1.0, "clip_score": 100.0}
    if metric(name).ratio:
        assert metric(name).loss(perfect.get(name, 0.0)) == 0


@pytest.mark.parametrize("name", HERE)
def test_little_damage_is_better_than_much(name: str) -> None:
    if name == "kid_real":
        pytest.skip("not monotone in damage: real images are others")
    own = meter(name)
    values = [own.quality(noisy(amount)).value(name) for amount in (5, 40, 120)]
    assert None not in values
    losses = [metric(name).loss(value) for value in values if value is not None]
    assert losses == sorted(losses)
    unpatched = own.unpatched().loss(name)
    assert unpatched is not None and unpatched <= losses[0]


def test_a_measure_of_some_images_is_that_of_their_own_set() -> None:
    shown, draw = noisy(40), torch.arange(0, 70, 2)
    own = meter(*HERE)
    some = Images(REFERENCE.pixels[draw], REFERENCE.latents[draw])
    part = QualityMeter(
        NETWORK, REAL, some, metrics=HERE, scorers=load_scorers(HERE, SETTINGS, "cpu")
    )
    of_part = part.quality(Images(shown.pixels[draw], shown.latents[draw]))
    for name in (*HERE, "fid_reference", "fid_real"):
        assert own.measure(name, shown)(draw) == pytest.approx(of_part.value(name), rel=1e-6)


def test_the_meter_gives_what_was_asked_for() -> None:
    shown = noisy(40)
    quality = meter("kid_reference", "ssim").quality(shown)
    assert set(quality.metrics) == {"kid_reference", "ssim"}
    features = Means()(shown.pixels), Means()(REFERENCE.pixels)
    assert quality.value("kid_reference") == pytest.approx(paired_kid(*features))
    assert quality.value("psnr") is quality.loss("psnr") is None
    assert meter().quality(shown).metrics == {}


def test_scorers_get_the_prompts_of_their_images() -> None:
    seen: list[str] = []

    def length(shown: Tensor, reference: Tensor, prompts: Sequence[str]) -> Tensor:
        assert len(shown) == len(reference) == len(prompts)
        seen.extend(prompts)
        return torch.tensor([float(len(prompt)) for prompt in prompts])

    prompts = ["x" * number for number in range(70)]
    own = QualityMeter(
        NETWORK, None, REFERENCE, metrics=["mine"], scorers={"mine": length}, prompts=prompts
    )
    assert own.scores(length, REFERENCE).tolist() == list(range(70))
    assert seen == prompts


def test_a_score_that_is_not_finite_fails_the_trial() -> None:
    def broken(shown: Tensor, reference: Tensor, prompts: Sequence[str]) -> Tensor:
        return torch.full((len(shown),), math.nan)

    own = QualityMeter(NETWORK, None, REFERENCE, metrics=["psnr"], scorers={"psnr": broken})
    with pytest.raises(TrialError, match="not finite"):
        own.quality(noisy(3))


def test_kid_to_real_images_needs_their_features() -> None:
    with pytest.raises(UserError, match="kid_real: it needs the features"):
        meter("kid_real", real=Statistics(REAL.moments, None))


def test_every_metric_comes_from_features_or_a_scorer() -> None:
    assert set(METRICS) - OF_SETS == {
        "clip_score", "caption_accuracy", "psnr", "ssim", "lpips",
    }  # fmt: skip


def test_prompts_that_the_judge_cannot_read_are_named_early() -> None:
    with pytest.raises(UserError, match=r"caption_accuracy.*'a fox'.*leave caption_accuracy out"):
        load_scorers(["caption_accuracy"], SETTINGS, "cpu", ["a fox"])


def test_caption_accuracy_is_the_share_of_pictures_that_show_all_of_their_caption() -> None:
    scenes = sample_scenes(32, seed=3)
    captions = [scene.caption for scene in scenes]
    (scorer,) = load_scorers(["caption_accuracy"], SETTINGS, "cpu", captions).values()
    right = scorer(render(scenes), render(scenes), captions)
    swapped = scorer(render(scenes), render(scenes), captions[::-1])
    assert right.mean() > 0.9 > 0.3 > swapped.mean()


def test_an_unknown_metric_is_a_mistake_with_the_closest_name() -> None:
    with pytest.raises(ValueError, match=r"is not a metric. Did you mean 'psnr'.*fid_reference"):
        metric("psnrr")
