"""A pipeline of any family makes a study's images: its own call does everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

import dato
from dato import Schedule
from search.calibration.measure import measure_image
from search.errors import UserError
from search.latency.clock import time_once
from search.model.any_pipeline import family_of
from search.model.base_sampler import based
from search.model.drift import image_drift
from search.model.encoded_once import EncodedOnce
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.steps_of import after_each_step, step_replaced
from search.model.workload import Workload
from search.records.base_sampler import Base
from tests.dato.sampler.other_models import OTHERS
from tests.dato.tiny import generate, tiny_pipe
from tests.search.model.tiny_sana import save_sana

STEPS = 6
WORKLOAD = Workload(("a cat", "snow", "a house"), seed=3)


@pytest.fixture(scope="module")
def sana(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder: Path = save_sana(tmp_path_factory.mktemp("sana") / "pipeline")
    config = ModelConfig(
        path=str(folder), num_inference_steps=STEPS, guidance_scale=3.0, batch_size=2
    )
    return Generator(config, WORKLOAD)


def test_images_are_those_of_the_pipeline_s_call(sana: Generator) -> None:
    made = sana.generate(None, [0, 1])
    size = {"height": 32, "width": 32, "use_resolution_binning": False}
    images = sana.pipe(
        list(WORKLOAD.prompts[:2]),
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        generator=WORKLOAD.generators([0, 1]),
        output_type="pt",
        **size,
    ).images
    assert torch.equal(made.pixels, images.mul(255).round().to(torch.uint8))
    assert made.latents.shape == (2, 4, 8, 8)
    assert (sana.latent_size, sana.work.image_size) == ((8, 8), (32, 32))


def test_a_schedule_changes_them_and_full_calls_alone_do_not(sana: Generator) -> None:
    plain = sana.generate(None, [0])
    assert torch.equal(sana.generate(Schedule.full(STEPS), [0]).pixels, plain.pixels)
    held = sana.generate(Schedule.uniform(STEPS, 3, 0), [0])
    assert not torch.equal(held.latents, plain.latents)
    assert sana.fused
    assert sana.fingerprint.startswith("sha256:")


def test_calibration_and_drift_read_what_the_sampler_is_given(sana: Generator) -> None:
    measured = measure_image(sana, WORKLOAD, 0, ())
    assert measured.output.shape == (STEPS, STEPS)
    assert np.linalg.eigvalsh(measured.output).min() > -1e-6 * measured.output.max()
    assert measured.sigmas is not None and (np.diff(measured.sigmas) < 0).all()
    drift = image_drift(sana, 0)
    assert len(drift) == STEPS and drift[0] == 0 and min(drift[1:]) > 0


@pytest.mark.filterwarnings("ignore:`FluxPosEmbed` is deprecated")
@pytest.mark.parametrize("name", ["z-image", "lumina2", "auraflow", "hunyuan-dit", "chroma"])
def test_pipelines_that_make_images_of_prompts_are_taken(name: str) -> None:
    pipe = OTHERS[name]().pipe
    family = family_of(pipe)
    assert family.whole
    assert min(family.latent_shape(pipe)) > 0


@pytest.mark.parametrize("name", ["wan", "mochi"])
def test_a_pipeline_that_makes_films_is_refused(name: str) -> None:
    pipe = OTHERS[name]().pipe
    with pytest.raises(UserError, match=f"Cannot run the pipeline class {type(pipe).__name__}"):
        family_of(pipe)


def test_a_pipeline_without_prompts_is_refused() -> None:
    unet = UNet2DModel(
        sample_size=8,
        block_out_channels=(8,),
        norm_num_groups=4,
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
    )
    with pytest.raises(UserError, match="its call has no prompt and no guidance_scale"):
        family_of(DDPMPipeline(unet, DDPMScheduler()))


def test_a_replaced_step_is_put_back_under_a_schedule_too() -> None:
    pipe = tiny_pipe()
    with dato.applied(pipe, Schedule.uniform(6, 3, 0)):
        expected = generate(pipe)
        seen: list[torch.Tensor] = []
        with after_each_step(pipe.scheduler, seen.append):
            assert torch.equal(generate(pipe), expected)
        assert len(seen) == 2 and torch.equal(seen[-1], expected)
        assert torch.equal(generate(pipe), expected)
        assert dato.explain(pipe).endswith("fused.")
    with step_replaced(pipe.scheduler, lambda step: lambda *given: step(*given)):
        pass
    assert "step" not in vars(pipe.scheduler)


def test_prompts_are_encoded_once_however_often_they_run(sana: Generator) -> None:
    generator = sana.with_workload(WORKLOAD)
    encoded: list[int] = []
    handle = sana.pipe.text_encoder.register_forward_hook(
        lambda _, __, output: encoded.append(len(output[0]))
    )
    try:
        first = generator.generate(None, [0, 1, 2])
        once = list(encoded)
        again = generator.generate(None, [0, 1, 2])
        time_once(generator, Schedule.uniform(STEPS, 3, 0))
        with based(generator, Base("FlowMatchEulerDiscreteScheduler", 4)) as fewer:
            time_once(fewer, None)
    finally:
        handle.remove()
    assert encoded == once and sum(once) == 2 * len(WORKLOAD), "prompts and negative ones"
    assert torch.equal(first.pixels, again.pixels)
    assert "encode_prompt" not in vars(sana.pipe)


def test_prompts_that_come_encoded_are_not_kept() -> None:
    class Pipe:
        asked = 0

        def encode_prompt(self, prompt: object, **options: object) -> list[torch.Tensor]:
            self.asked += 1
            return [torch.ones(1)]

    pipe = Pipe()
    with EncodedOnce().answering(pipe):
        texts = [pipe.encode_prompt("a cat", guided=guided) for guided in (True, True, False)]
        texts[0].append(torch.zeros(1))
        texts[1][0].zero_()
        assert pipe.encode_prompt("a cat", guided=True) == [torch.ones(1)]
        assert pipe.asked == 2
        for _ in range(2):
            pipe.encode_prompt(None, prompt_embeds=torch.ones(1))
    assert pipe.asked == 4 and "encode_prompt" not in vars(pipe)
