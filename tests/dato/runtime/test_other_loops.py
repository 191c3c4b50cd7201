"""Pipelines whose loops are unlike the others': LEDITS++ and panoramas run right or are refused.

Oracle: the plain pipeline, in which every other forward of the denoiser returns the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    LEditsPPPipelineStableDiffusion,
    StableDiffusionPanoramaPipeline,
)
from torch import Tensor

import dato
from dato.errors import MismatchError, UnsupportedError
from dato.pocket import load_pipeline
from dato.schedule import Kind, Schedule
from tests.dato.tiny import noise, prompts, random, scheduler, tiny_pipe, tiny_unet

STEPS = 6
HELD = Schedule({"full": Kind(), "held": Kind(0)}, ("full", "held") * 3, quantity="output")
CUT = Schedule.uniform(STEPS, 2, 1)
PRUNED = Schedule.uniform(STEPS, 2, 1, {"level_0": 0.5})


def by_hand(unet: Any, generate: Callable[[], Tensor]) -> Tensor:
    """What ``generate`` returns if every other forward returns the one before."""
    computes = unet.forward
    kept: list[Any] = []

    def forward(*args: Any, **kwargs: Any) -> Any:
        kept.append(kept[-1] if len(kept) % 2 else computes(*args, **kwargs))
        return kept[-1]

    unet.forward = forward
    try:
        return generate()
    finally:
        del unet.forward


def panorama(sampler: Any = DDIMScheduler) -> Any:
    sampler = scheduler(sampler, steps_offset=1)
    return tiny_pipe(sampler=sampler, kind=StableDiffusionPanoramaPipeline)


def view(pipe: Any, batch: int = 1, views: int = 8) -> Tensor:
    """Latents of a picture of 8 x 72, which has two views."""
    latents = noise(batch, (8, 72))
    size = {"height": 64, "width": 576, "num_inference_steps": STEPS, "output_type": "latent"}
    result = pipe(**prompts(batch), latents=latents, view_batch_size=views, **size)
    images: Tensor = result.images
    return images


@pytest.mark.parametrize(
    ("sampler", "fuse"),
    [(DDIMScheduler, True), (DDIMScheduler, False), (DPMSolverMultistepScheduler, True)],
)
def test_a_panorama_whose_views_are_one_batch_is_right(sampler: Any, fuse: bool) -> None:
    pipe = panorama(sampler)
    expected = by_hand(pipe.unet, lambda: view(pipe))
    with dato.applied(pipe, HELD, fuse=fuse):
        torch.testing.assert_close(view(pipe), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("plan", [HELD, CUT, Schedule.full(STEPS)])
@pytest.mark.parametrize("sampler", [DDIMScheduler, DPMSolverMultistepScheduler])
def test_a_second_batch_of_views_is_refused_at_once_with_the_remedy(
    sampler: Any, plan: Schedule, fuse: bool
) -> None:
    pipe = panorama(sampler)
    with (
        dato.applied(pipe, plan, fuse=fuse),
        pytest.raises(MismatchError, match=r"(Call 1|Step 2).*a view_batch_size that holds all"),
    ):
        view(pipe, views=1)


def test_a_sampler_whose_state_a_panorama_puts_back_is_refused_call_by_call() -> None:
    pipe = panorama(DPMSolverMultistepScheduler)
    with (
        dato.applied(pipe, CUT),
        pytest.raises(MismatchError, match=r"state was put back.*without state \(DDIM\)"),
    ):
        view(pipe)


@pytest.mark.parametrize("batch", [1, 2])
def test_a_panorama_is_not_pruned_as_if_its_halves_followed_each_other(batch: int) -> None:
    pipe = panorama()
    with (
        dato.applied(pipe, PRUNED),
        pytest.raises(UnsupportedError, match="nor a panorama's views"),
    ):
        view(pipe, batch)


class Editor:
    """LEDITS++ on a tiny denoiser, with a picture to edit; DDIM fails there in plain diffusers."""

    def __init__(self) -> None:
        text = load_pipeline()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            vae = AutoencoderKL(
                block_out_channels=(8,) * 4,
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                layers_per_block=1,
                norm_num_groups=4,
                sample_size=128,
            ).eval()
        sampler = DPMSolverMultistepScheduler(algorithm_type="sde-dpmsolver++", steps_offset=1)
        self.pipe = LEditsPPPipelineStableDiffusion(
            vae=vae,
            text_encoder=text.text_encoder,
            tokenizer=text.tokenizer,
            unet=tiny_unet(cross_attention_dim=text.text_encoder.config.hidden_size),
            scheduler=sampler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        self.pipe.set_progress_bar_config(disable=True)

    def invert(self) -> None:
        picture = random(1, 3, 128, 128).clamp(0, 1)
        seeded = torch.Generator().manual_seed(0)
        self.pipe.invert(picture, num_inversion_steps=STEPS, skip=0.2, generator=seeded)

    def edit(self, masked: bool = False) -> Tensor:
        masks = {"use_cross_attn_mask": masked, "use_intersect_mask": masked}
        edited = self.pipe(editing_prompt=["a red circle"], output_type="latent", **masks)
        images: Tensor = edited.images
        return images


@pytest.fixture(scope="module")
def editor() -> Editor:
    editor = Editor()
    editor.invert()
    return editor


def test_an_edit_of_an_inverted_picture_is_right_once_and_once_more(editor: Editor) -> None:
    plain, expected = editor.edit(), by_hand(editor.pipe.unet, editor.edit)
    with dato.applied(editor.pipe, HELD):
        assert "inverts a picture first" in dato.explain(editor.pipe)
        for _ in range(2):
            torch.testing.assert_close(editor.edit(), expected, rtol=1e-4, atol=1e-4)
    assert float((expected - plain).abs().max()) > 0.1
    with dato.applied(editor.pipe, Schedule.full(STEPS)):
        assert torch.equal(editor.edit(), plain)


@pytest.mark.parametrize("plan", [HELD, CUT])
def test_masks_from_attention_maps_that_skipped_calls_lack_are_refused(
    editor: Editor, plan: Schedule
) -> None:
    with dato.applied(editor.pipe, plan):
        with pytest.raises(UnsupportedError, match=r"stores what it saw \(LeditsAttentionStore"):
            editor.edit(masked=True)
        editor.pipe.unet.set_attn_processor(type(tiny_unet().attn_processors.popitem()[1])())
        editor.edit()
    with dato.applied(editor.pipe, Schedule.full(STEPS)):
        editor.edit(masked=True)


def test_an_edit_is_not_pruned(editor: Editor) -> None:
    with (
        dato.applied(editor.pipe, PRUNED),
        pytest.raises(UnsupportedError, match="Nothing says whether 2 rows"),
    ):
        editor.edit()
