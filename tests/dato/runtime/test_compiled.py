"""Compiled kinds give the eager images, and are looked up rather than compiled again."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import dato
from dato import Kind, Schedule
from dato.pocket import load_pipeline
from dato.pocket.names import FOLDERS
from tests.dato.models import FAMILIES, Family, pixart, sd15
from tests.dato.sampler.other_models import sana
from tests.dato.tiny import generate, generated, small_unet, tiny_pipe

STEPS = 6
KINDS = {
    "full": Kind("full", {"level_0": 0.5}),
    "shallow": Kind(1, {"level_0": 0.25}),
    "plain": Kind(1),
    "reuse": Kind(0),
}
SCHEDULE = Schedule(KINDS, ("full", "shallow", "plain", "reuse", "full", "shallow"))
TRACED: dict[str, Any] = {"backend": "eager", "fullgraph": True}
"""Traces every kind without a graph break, and runs the graphs as they are."""


MODELS = [
    "sd35-medium",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("pixart", "flux-dev")),
]


@pytest.fixture(autouse=True)
def _forget_graphs() -> None:
    torch.compiler.reset()


def small_family() -> Family:
    return Family(tiny_pipe(small_unet()), sd15().inputs)


@pytest.mark.parametrize("name", MODELS)
def test_a_transformer_gives_the_eager_images_from_whole_graphs(name: str) -> None:
    family = FAMILIES[name]()
    with dato.applied(family.pipe, SCHEDULE):
        expected = family.generate(STEPS)
        warmup = dato.compile(family.pipe, **TRACED)
        for _ in range(3):
            assert torch.equal(family.generate(STEPS), expected)
    # Both pruning kinds twice: before dynamics are known, and after.
    assert len(warmup.seconds) == 5


def test_a_unet_gives_the_eager_images_and_captures_again_for_a_new_batch() -> None:
    pipe = tiny_pipe(small_unet())
    one, two = generated(pipe, SCHEDULE), generated(pipe, SCHEDULE, batch=2)
    dato.apply(pipe, SCHEDULE)
    warmup = dato.compile(pipe, **TRACED)
    for _ in range(3):
        assert torch.equal(generate(pipe), one)
    graphs = len(warmup.seconds)
    for _ in range(2):
        assert torch.equal(generate(pipe, batch=2), two)
        assert torch.equal(generate(pipe), one)
    assert len(warmup.seconds) == 2 * graphs
    assert f"{2 * graphs} graphs" in str(warmup)


@pytest.mark.parametrize("name", MODELS)
def test_a_fused_run_of_full_calls_compiles_the_denoiser_s_own_forward(name: str) -> None:
    family = FAMILIES[name]()
    schedule = Schedule.uniform(calls=STEPS, interval=2, depth=0, forecast="linear")
    with dato.applied(family.pipe, schedule):
        expected = family.generate(STEPS)
        warmup = dato.compile(family.pipe, **TRACED)
        for _ in range(2):
            assert torch.equal(family.generate(STEPS), expected)
    assert [each.split(" at ")[0] for each in warmup.seconds] == ["1. full"]


QUICK = {"pocket-flow/fast"}
SHIPPED = [f"{model}/{name}" for model in FOLDERS for name in ("quality", "balanced", "fast")]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in SHIPPED],
)
def test_every_shipped_preset_of_an_embedded_model_compiles(name: str) -> None:
    pipe = load_pipeline(name.split("/")[0])
    preset = dato.load_preset(name)
    options = {
        "num_inference_steps": preset.sampler.num_inference_steps,
        "guidance_scale": preset.sampler.guidance_scale,
        "output_type": "latent",
    }

    def latents() -> Any:
        noise = torch.Generator().manual_seed(0)
        return pipe("a red circle", generator=noise, **options).images

    with dato.applied(pipe, preset):
        expected = latents()
        warmup = dato.compile(pipe, **TRACED)
        assert torch.equal(latents(), expected)
    assert warmup.seconds


def test_a_denoiser_that_the_engine_leaves_alone_is_compiled_by_its_owner() -> None:
    pipe = sana().pipe
    schedule = Schedule.uniform(calls=4, interval=2, depth=0)
    with (
        dato.applied(pipe, schedule),
        pytest.raises(dato.UnsupportedError, match=r"SanaTransformer2DModel.* no kinds to compile"),
    ):
        dato.compile(pipe)


@pytest.mark.slow
def test_runs_of_other_lengths_come_and_go_without_a_graph_break() -> None:
    family = pixart()
    dato.apply(family.pipe, SCHEDULE, resample="nearest")
    lengths = (STEPS, 4)
    expected = {steps: family.generate(steps) for steps in lengths}
    dato.compile(family.pipe, **TRACED)
    for steps in lengths * 3:
        assert torch.equal(family.generate(steps), expected[steps])


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")
def test_cudagraphs_hands_out_images_that_later_calls_leave_alone() -> None:
    pipe = tiny_pipe(small_unet())
    expected = [generated(pipe, SCHEDULE, seed=seed) for seed in (1, 2)]
    dato.apply(pipe, SCHEDULE)
    dato.compile(pipe, mode="cudagraphs", backend="eager")
    generate(pipe)
    images = [generate(pipe, seed=seed) for seed in (1, 2)]
    assert all(map(torch.equal, images, expected))


def test_another_schedule_and_removal_end_it() -> None:
    pipe = tiny_pipe(small_unet())
    dato.apply(pipe, SCHEDULE)
    warmup = dato.compile(pipe, **TRACED)
    dato.apply(pipe, SCHEDULE)
    for _ in range(3):
        generate(pipe)
    dato.remove(pipe)
    generate(pipe)
    assert not warmup.seconds


def test_kinds_of_an_applied_schedule_are_compiled(pipe: Any) -> None:
    with pytest.raises(dato.MismatchError, match=r"dato\.apply first"):
        dato.compile(pipe)
    dato.apply(pipe, SCHEDULE)
    with pytest.raises(dato.UnsupportedError, match='"default" nor "cudagraphs"'):
        dato.compile(pipe, mode="fast")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("make", [small_family, pixart])
def test_inductor_gives_the_eager_images_within_rounding(make: Any) -> None:
    family: Family = make()
    with dato.applied(family.pipe, SCHEDULE):
        expected = family.generate(STEPS)
        dato.compile(family.pipe)
        bound = 1e-3 * float(expected.abs().max())
        for _ in range(3):
            torch.testing.assert_close(family.generate(STEPS), expected, rtol=0, atol=bound)
