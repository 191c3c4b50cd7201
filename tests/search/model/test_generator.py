"""Chunks, noise, errors, and the promise that a preset gives a trial's images again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dato import Kind, Schedule
from search.errors import TrialError, UserError
from search.model.generator import Generator
from search.model.images import join
from search.model.workload import Workload, chunks_of, image_seed
from tests.search.model.tiny import HELDOUT, SEARCH, STEPS, save_tiny, tiny_config

SCHEDULE = Schedule.uniform(STEPS, interval=3, depth=1, prune={"level_0": 0.5})


def equal(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a, b)


def test_seeds_are_stable_and_distinct() -> None:
    assert image_seed(1, 0, "initial") == 8114971177204726308
    seeds = {image_seed(s, i, n) for s in range(3) for i in range(9) for n in ("a", "b")}
    assert len(seeds) == 54


def test_noise_depends_on_seed_and_index_alone() -> None:
    shape = (2, 3, 3)
    assert equal(SEARCH.noise([3], shape)[0], SEARCH.noise([1, 3], shape)[1])
    assert not equal(SEARCH.noise([3], shape), Workload(SEARCH.prompts, 2).noise([3], shape))


def test_chunks_cover_the_indices() -> None:
    assert chunks_of([0, 5, 6], 2, 8) == (0, 2, 3)
    with pytest.raises(IndexError, match="0 to 7; found 8"):
        chunks_of([8], 2, 8)


def test_empty_workload_is_refused() -> None:
    with pytest.raises(UserError, match="has no prompt"):
        Workload((), 1)


def test_images_have_the_documented_shapes(generator: Generator) -> None:
    images = generator.generate(None, [3, 0])
    assert images.pixels.shape == (2, 3, 16, 16)
    assert images.pixels.dtype == torch.uint8
    assert images.latents.shape == (2, 4, 8, 8)
    assert images.latents.dtype == torch.float32
    assert images.seconds > 0


def test_rungs_give_the_same_bits_as_all_at_once(generator: Generator) -> None:
    whole = generator.generate(SCHEDULE, range(8))
    rungs = join(
        [generator.generate(SCHEDULE, range(2)), generator.generate(SCHEDULE, range(2, 8))]
    )
    assert equal(whole.pixels, rungs.pixels)
    assert equal(whole.latents, rungs.latents)


def test_any_indices_in_any_order(generator: Generator) -> None:
    whole = generator.generate(SCHEDULE, range(8))
    some = generator.generate(SCHEDULE, [5, 0, 3])
    assert equal(some.latents, whole.latents[[5, 0, 3]])


def test_null_schedule_is_the_unpatched_pipeline(generator: Generator) -> None:
    plain = generator.generate(None, range(4))
    null = generator.generate(Schedule.full(STEPS), range(4))
    assert equal(plain.latents, null.latents)
    assert not equal(plain.latents, generator.generate(SCHEDULE, range(4)).latents)


def test_workloads_share_the_pipeline_and_differ(generator: Generator) -> None:
    other = generator.with_workload(HELDOUT)
    assert other.pipe is generator.pipe
    assert not equal(other.generate(None, [0]).latents, generator.generate(None, [0]).latents)


def test_stochastic_sampler_repeats_itself(tiny_folder: Path) -> None:
    model = tiny_config(tiny_folder, scheduler="EulerAncestralDiscreteScheduler")
    generator = Generator(model, SEARCH)
    first = generator.generate(None, range(4))
    torch.randn(7)
    assert equal(first.latents, generator.generate(None, range(4)).latents)


@pytest.mark.parametrize(
    ("scheduler", "calls"),
    [("DDIMScheduler", STEPS), ("PNDMScheduler", 15), ("HeunDiscreteScheduler", 11)],
)
def test_calls_are_the_schedulers(tiny_folder: Path, scheduler: str, calls: int) -> None:
    assert Generator(tiny_config(tiny_folder, scheduler=scheduler), SEARCH).calls == calls


def test_without_guidance(tiny_folder: Path) -> None:
    generator = Generator(tiny_config(tiny_folder, guidance_scale=1.0), SEARCH)
    assert generator.generate(SCHEDULE, range(2)).latents.shape == (2, 4, 8, 8)


def test_schedule_that_does_not_fit_fails_the_trial(generator: Generator) -> None:
    with pytest.raises(TrialError, match="skip branches"):
        generator.generate(Schedule({"full": Kind(), "x": Kind(99)}, ("full",) + ("x",) * 5), [0])
    generator.generate(None, [0])


def test_nan_fails_the_trial(tiny_folder: Path) -> None:
    generator = Generator(tiny_config(tiny_folder), SEARCH)
    with torch.no_grad():
        generator.pipe.unet.conv_out.bias.fill_(float("nan"))
    with pytest.raises(TrialError, match="NaN"):
        generator.generate(None, [0])


def test_out_of_memory_fails_the_trial(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loop(*_: object) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(generator, "loop", loop)
    with pytest.raises(TrialError, match="Out of memory"):
        generator.generate(None, [0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "/no/such/folder"}, "is not a folder"),
        ({"scheduler": "DDIMSchedule"}, "Did you mean 'DDIMScheduler'"),
        ({"device": "quantum"}, "is not a device"),
        ({"dtype": "int8"}, "float32, float16, bfloat16"),
        ({"batch_size": 0}, "batch_size=0 is too small"),
    ],
)
def test_wrong_settings_are_the_users(
    tiny_folder: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Generator(tiny_config(tiny_folder, **changes), SEARCH)


def test_folder_without_a_pipeline(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model_index\.json"):
        Generator(tiny_config(tmp_path), SEARCH)


PLAIN = """
import sys, torch
torch.set_num_threads(1)
import dato
from diffusers import DDIMScheduler, StableDiffusionPipeline
from tests.search.model.tiny import SEARCH, STEPS
pipe = StableDiffusionPipeline.from_pretrained(sys.argv[1], safety_checker=None)
pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
pipe.set_progress_bar_config(disable=True)
dato.apply(pipe, dato.Schedule.uniform(STEPS, interval=3, depth=1, prune={"level_0": 0.5}))
out = pipe(
    list(SEARCH.prompts[2:4]), num_inference_steps=STEPS, guidance_scale=2.0,
    latents=SEARCH.noise([2, 3], (4, 8, 8)), output_type="latent",
)
torch.save(out.images, sys.argv[2])
"""


def test_fresh_process_repeats_a_trial_bit_for_bit(
    generator: Generator, tiny_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "latents.pt"
    subprocess.run([sys.executable, "-c", PLAIN, str(tiny_folder), str(file)], check=True)
    assert equal(torch.load(file, weights_only=True), generator.generate(SCHEDULE, [2, 3]).latents)


def test_models_without_a_fingerprint_go_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.model.loaded_model.dato.fingerprint", lambda _: "")
    folders = [save_tiny(tmp_path / name) for name in ("one", "other")]
    generators = [Generator(tiny_config(path), SEARCH) for path in (*folders, folders[0])]
    one, other, again = (generator.fingerprint for generator in generators)
    assert one == again != other
    assert one.startswith("named:")
