"""Every family through the search: a pipeline folder at reduced width, loaded back by path."""

from __future__ import annotations

import math
from importlib.resources import files as files_of
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

import dato
from dato import Schedule
from dato.step_counts import calls_of
from search.errors import UserError
from search.latency.cost_file import load_cost_table
from search.latency.measure import measure
from search.model.any_pipeline import family_of
from search.model.architectures import PUBLISHED
from search.model.drift import image_drift
from search.model.families import StableDiffusionXL
from search.model.generator import Generator
from search.model.loading import ModelConfig, load_pipeline
from search.model.samplers import set_scheduler
from search.model.tiny_architectures import TINY
from search.model.workload import Workload
from search.settings.model import ArchitectureName, ModelSettings

NAMES: tuple[ArchitectureName, ...] = get_args(ArchitectureName)
PROMPTS = ("a red circle", "Two cats, on a mat", "snow", "a blue square")
STEPS = 4
SCHEDULERS: dict[ArchitectureName, str] = {
    "sd15": "PNDMScheduler",
    "sd21": "DDIMScheduler",
    "sdxl": "EulerDiscreteScheduler",
    "pixart": "DPMSolverMultistepScheduler",
    **dict.fromkeys(
        ("sd3", "sd35-medium", "sd35-large", "flux-dev", "flux-schnell"),
        "FlowMatchEulerDiscreteScheduler",
    ),
}


def config(name: ArchitectureName, **changes: Any) -> ModelConfig:
    values: dict[str, Any] = {
        "scheduler": SCHEDULERS[name],
        "num_inference_steps": STEPS,
        "guidance_scale": 3.0,
        "batch_size": 2,
    }
    return ModelConfig(**values | changes)


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> ArchitectureName:
    found: ArchitectureName = request.param
    return found


@pytest.fixture(scope="module")
def folder(name: ArchitectureName, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("families") / name
    load_pipeline(config(name, weights="tiny", architecture=name)).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def generator(name: ArchitectureName, folder: Path) -> Generator:
    return Generator(config(name, path=str(folder)), Workload(PROMPTS, 1))


def test_images_are_those_of_the_plain_pipeline(
    name: ArchitectureName, folder: Path, generator: Generator
) -> None:
    pipe = load_pipeline(config(name, path=str(folder)))
    family = generator.family
    noise = generator.workload.noise(range(2), family.latent_shape(pipe))
    plain = pipe(
        list(PROMPTS[:2]),
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        latents=family.noise(pipe, noise),
        output_type="pt",
        height=128,
        width=128,
        **({"use_resolution_binning": False} if name == "pixart" else {}),
    ).images
    found = generator.generate(None, range(2)).pixels
    assert found.shape == (2, 3, 128, 128)
    assert torch.equal(found, plain.mul(255).round().to(torch.uint8))


def test_a_schedule_of_full_calls_changes_nothing_and_a_cached_one_does(
    generator: Generator,
) -> None:
    plain = generator.generate(None, range(2)).latents
    full = generator.generate(Schedule.full(generator.calls), range(2)).latents
    assert torch.equal(plain, full)
    cached = Schedule.uniform(generator.calls, interval=2, depth=1, prune={"level_0": 0.5})
    if "level_0" not in {f"level_{layer.level}" for layer in generator.topology.layers}:
        cached = Schedule.uniform(generator.calls, interval=2, depth=1)
    assert not torch.equal(plain, generator.generate(cached, range(2)).latents)


def test_drift_has_one_entry_for_each_call(generator: Generator) -> None:
    drift = image_drift(generator, 1)
    assert len(drift) == generator.calls
    assert drift[0] == 0
    assert all(value > 0 for value in drift[1:])
    assert not generator.denoiser._forward_hooks


def test_steps_are_followed_one_by_one(name: ArchitectureName, generator: Generator) -> None:
    seen: list[int] = []
    generator.loop(0, on_step=lambda: seen.append(1))
    assert len(seen) == generator.calls
    assert "step" not in vars(generator.pipe.scheduler)


def test_following_a_run_leaves_its_images_as_they_are(generator: Generator) -> None:
    latents = generator.loop(0, on_step=lambda: None)
    assert torch.equal(latents.float(), generator.generate(None, range(2)).latents)


def test_a_cost_table_prices_every_depth(generator: Generator, tmp_path: Path) -> None:
    table = measure(generator, repeats=1, budget_s=0.1)
    topology = generator.topology
    for depth in range(topology.skip_branches + 1):
        schedule = Schedule.uniform(generator.calls, interval=2, depth=depth)
        assert table.price(schedule, topology) > 0
    table.save(tmp_path / "table.json")
    assert load_cost_table(tmp_path / "table.json") == table


def test_without_guidance(name: ArchitectureName, folder: Path) -> None:
    model = config(name, path=str(folder), guidance_scale=1.0, vae_slicing=True, vae_tiling=True)
    generator = Generator(model, Workload(PROMPTS, 1))
    images = generator.generate(None, range(2))
    assert not generator.guided
    assert images.latents.numel() == 2 * math.prod(generator.family.latent_shape(generator.pipe))
    assert images.pixels.float().std() > 0


@pytest.mark.parametrize("changed", ["force_upcast", "standardised"])
def test_how_xl_decodes(changed: str) -> None:
    pipe = load_pipeline(config("sdxl", weights="tiny", architecture="sdxl"))
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    plain = StableDiffusionXL().decode(pipe, latents)
    if changed == "force_upcast":
        pipe.vae.to(torch.float16)
        rounded = StableDiffusionXL().decode(pipe, latents.half())
        assert pipe.vae.dtype == rounded.dtype == torch.float32
        assert (rounded - plain).abs().max() < 0.1 * plain.abs().max()
    else:
        mean, std = [0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]
        pipe.vae.register_to_config(latents_mean=mean, latents_std=std)
        wide = torch.tensor(std).view(1, 4, 1, 1)
        factor = pipe.vae.config.scaling_factor
        standard = (latents - factor * torch.tensor(mean).view(1, 4, 1, 1)) / wide
        assert StableDiffusionXL().decode(pipe, standard) == pytest.approx(plain, abs=1e-4)


@pytest.mark.parametrize(
    ("found", "samplers"),
    [
        ("sd3", ("UniPCMultistep", "DPMSolverMultistep", "FlowMatchHeunDiscrete")),
        ("flux-dev", ("UniPCMultistep",)),
    ],
)
def test_flow_models_take_other_samplers_and_their_own_one_back(
    found: ArchitectureName, samplers: tuple[str, ...]
) -> None:
    model = config(found, weights="tiny", architecture=found)
    generator = Generator(model, Workload(PROMPTS, 1))
    expected = generator.generate(None, range(2)).latents
    for sampler in samplers:
        set_scheduler(generator.pipe, f"{sampler}Scheduler")
        other = generator.generate(None, range(2)).latents
        assert 0 < (other - expected).abs().mean() < 0.1 * expected.abs().mean(), sampler
        cached = Schedule.uniform(calls_of(generator.pipe.scheduler, STEPS), 2, 0)
        held = generator.generate(cached, range(2)).latents
        assert 0 < (held - other).abs().mean() < 0.1 * expected.abs().mean(), sampler
    set_scheduler(generator.pipe, "FlowMatchEulerDiscreteScheduler")
    assert torch.equal(generator.generate(None, range(2)).latents, expected)


def test_samplers_that_do_not_fit_a_flow_model_are_refused() -> None:
    pipe = load_pipeline(config("flux-dev", weights="tiny", architecture="flux-dev"))
    for wrong in ("DDIMScheduler", "FlowMatchHeunDiscreteScheduler"):
        with pytest.raises(UserError, match="FlowMatchEulerDiscreteScheduler"):
            set_scheduler(pipe, wrong)


def test_a_pipeline_of_sd3_may_lack_its_largest_text_encoder(tmp_path: Path) -> None:
    pipe = load_pipeline(config("sd3", weights="tiny", architecture="sd3"))
    pipe.register_modules(text_encoder_3=None, tokenizer_3=None)
    pipe.save_pretrained(tmp_path)
    generator = Generator(config("sd3", path=str(tmp_path)), Workload(PROMPTS, 1))
    assert torch.isfinite(generator.generate(None, range(2)).latents).all()


def test_random_weights_repeat_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    built = [
        dato.fingerprint(load_pipeline(config("sd15", weights="tiny", architecture="sd15")))
        for _ in range(2)
    ]
    assert built[0] == built[1]
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("found", "parameters"),
    [
        ("sd15", 859.5),
        ("sd21", 865.9),
        ("sdxl", 2567.5),
        ("pixart", 610.9),
        ("sd3", 2028.3),
        ("sd35-medium", 2243.2),
        ("sd35-large", 8056.6),
        ("flux-dev", 11901.4),
        ("flux-schnell", 11891.2),
    ],
)
def test_published_denoisers_have_their_published_size(
    found: ArchitectureName, parameters: float
) -> None:
    kind, arguments = PUBLISHED[found].denoiser
    with torch.device("meta"):
        denoiser = kind(**arguments)
    millions = sum(each.numel() for each in denoiser.parameters()) / 1e6
    assert millions == pytest.approx(parameters, abs=0.1)
    assert set(TINY[found].denoiser[1]) >= set(arguments)


def test_every_architecture_can_be_set_and_has_a_configuration() -> None:
    field = ModelSettings.model_fields["architecture"].annotation
    assert get_args(get_args(field)[0]) == NAMES
    files = {path.stem for path in Path(str(files_of("conf") / "model")).glob("*.yaml")}
    assert files == {*NAMES, "pocket", "pocket-flow", "custom"}


def test_weights_without_an_architecture_are_refused() -> None:
    with pytest.raises(UserError, match=r"model=sd15\|sd21\|sdxl\|pixart\|sd3\|.*flux-schnell"):
        load_pipeline(ModelConfig(weights="random"))


def test_an_unknown_pipeline_is_refused() -> None:
    with pytest.raises(UserError, match=r"class object.*text-to-image pipeline"):
        family_of(object())
