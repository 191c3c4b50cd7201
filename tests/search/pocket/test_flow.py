"""pocket-flow, the embedded model of Stable Diffusion 3's topology."""

import inspect
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

import dato
from dato import Schedule
from dato.pocket import load_pipeline, pocket_path
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.pocket import judge, load_features
from search.pocket.captions import sample_scenes
from search.quality.frechet import frechet_between
from search.runs.preflight import check_before_start
from search.settings.compose import compose_config
from search.settings.groups import options

CAPTIONS = [scene.caption for scene in sample_scenes(2, seed=3, split="held_out")]


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return quiet(load_pipeline("pocket-flow"))


def quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def unpatched(pipeline: Any) -> Tensor:
    return pictures(pipeline)


def pictures(pipeline: Any, steps: int = 3, **settings: Any) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    images: Tensor = pipeline(
        CAPTIONS, num_inference_steps=steps, generator=generator, output_type="pt", **settings
    ).images
    return images


def test_it_is_a_transformer_of_stable_diffusion_3_with_three_depths(pipeline: Any) -> None:
    assert isinstance(pipeline, diffusers.StableDiffusion3Pipeline)
    assert isinstance(pipeline.transformer, diffusers.SD3Transformer2DModel)
    assert pipeline.transformer.dtype == torch.float32
    assert dato.topology(pipeline).skip_branches == 3


def test_both_models_stay_within_their_sizes() -> None:
    def size(folder: Path) -> int:
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    assert size(pocket_path("pocket-flow")) < 20e6
    assert size(pocket_path().parent) < 40e6


def test_a_model_that_is_none_has_no_folder() -> None:
    with pytest.raises(ValueError, match=r"'flow' is no pocket model\. Give one of 'pocket', 'p"):
        pocket_path("flow")


def test_it_makes_no_larger_images_than_its_own(pipeline: Any) -> None:
    """Under a preset that is said first, and no stretching is advised that would change nothing."""
    preset = dato.load_preset("pocket-flow/fast")
    with (
        dato.applied(pipeline, preset),
        pytest.raises(dato.MismatchError, match=r"this denoiser takes at most \(32, 32\)\.$"),
    ):
        pictures(pipeline, preset.sampler.calls, guidance_scale=3.0, height=96, width=96)


def test_it_shows_what_captions_say(pipeline: Any) -> None:
    images = (pictures(pipeline, 8, guidance_scale=3.0) * 255).round().to(torch.uint8)
    accuracy = judge(images, CAPTIONS)
    assert accuracy.background == accuracy.position == 1


def test_a_schedule_of_full_calls_changes_no_bit(pipeline: Any, unpatched: Tensor) -> None:
    with dato.applied(pipeline, Schedule.uniform(3, 1, 0)):
        assert torch.equal(pictures(pipeline), unpatched)
    with dato.applied(pipeline, Schedule.uniform(3, 2, 2)):
        assert not torch.equal(pictures(pipeline), unpatched)
    assert torch.equal(pictures(pipeline), unpatched)


@pytest.mark.slow
def test_the_fewer_calls_are_computed_the_further_are_the_images() -> None:
    captions = tuple(scene.caption for scene in sample_scenes(4, seed=3, split="held_out"))
    model = ModelConfig("pocket-flow", num_inference_steps=14, guidance_scale=3.0, batch_size=4)
    generator, network = Generator(model, Workload(captions, 3)), load_features()
    schedules = (None, *(Schedule.uniform(14, interval, 0) for interval in (1, 2, 5)))
    reference, *made = (network(generator.generate(each, range(4)).pixels) for each in schedules)
    full, mild, strong = (frechet_between(reference, features) for features in made)
    assert full == pytest.approx(0, abs=1e-6)
    assert full < mild < strong


def test_plain_diffusers_makes_the_same_pictures_without_the_zeros_of_t5(
    unpatched: Tensor,
) -> None:
    plain = diffusers.StableDiffusion3Pipeline.from_pretrained(
        pocket_path("pocket-flow"), text_encoder_3=None, tokenizer_3=None
    )
    assert torch.equal(pictures(quiet(plain), max_sequence_length=0), unpatched)


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (diffusers.StableDiffusion3Img2ImgPipeline, {"image": torch.full((2, 3, 64, 64), 0.5)}),
        (diffusers.StableDiffusion3PAGPipeline, {"pag_scale": 0.0}),
    ],
)
def test_other_pipelines_of_its_components_read_captions_as_it_does(
    pipeline: Any, kind: Any, inputs: dict[str, Any]
) -> None:
    taken = inspect.signature(kind).parameters
    sibling = quiet(kind(**{n: part for n, part in pipeline.components.items() if n in taken}))
    with_room, without = (
        pictures(sibling, 4, **inputs, **length) for length in ({}, {"max_sequence_length": 0})
    )
    assert torch.equal(with_room, without)


def test_what_it_saves_is_an_ordinary_folder(
    pipeline: Any, unpatched: Tensor, tmp_path: Path
) -> None:
    pipeline.save_pretrained(tmp_path)
    loaded = quiet(load_pipeline(tmp_path))
    assert type(loaded) is diffusers.StableDiffusion3Pipeline
    assert torch.equal(pictures(loaded), unpatched)


def test_a_wrong_name_says_which_there_are() -> None:
    with pytest.raises(ValueError, match=r"'pocket-flw' is no pocket model.*'pocket-flow'"):
        load_pipeline("pocket-flw")


def test_a_study_of_it_has_the_renders_and_features_of_the_scenes() -> None:
    config = compose_config(["model=pocket-flow"])
    assert (config.quality.features, config.quality.real) == ("pocket", "pocket")
    assert config.rivals.samplers == ("own", "UniPCMultistepScheduler")


@pytest.mark.parametrize("space", options("space"))
def test_every_space_fits_it(space: str) -> None:
    check_before_start(compose_config(["model=pocket-flow", f"space={space}"]))
