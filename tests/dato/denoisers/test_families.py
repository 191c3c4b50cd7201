"""The contract of an adapter: every family of pipelines keeps the engine's promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

import dato
from dato import Kind, Schedule
from dato.schedule import Forecast
from tests.dato.models import FAMILIES, Family, flux, pixart, sd3, sdxl
from tests.dato.test_apply import state
from tests.dato.tiny import tiny_unet
from tests.oracles.caching import cached_blocks, cached_by_hooks

STEPS = 4
TRANSFORMERS = ("pixart", "sd3", "sd35-medium", "flux-dev", "flux-schnell")
"""Families whose blocks the slow cache of this test knows."""


@pytest.fixture(scope="module", params=FAMILIES)
def made(request: pytest.FixtureRequest) -> tuple[Family, int]:
    """A family, and the denoiser calls of a run."""
    family = FAMILIES[request.param]()
    seen: list[int] = []
    handle = family.denoiser.register_forward_pre_hook(lambda *_: seen.append(1))
    family.generate(STEPS)
    handle.remove()
    return family, len(seen)


@pytest.fixture
def family(made: tuple[Family, int]) -> Family:
    return made[0]


@pytest.fixture
def calls(made: tuple[Family, int]) -> int:
    return made[1]


def mixed(family: Family, calls: int) -> Schedule:
    """Full calls, deep and shallow ones, outputs forecast, and pruning on all levels."""
    layout = dato.topology(family.pipe)
    prune = {f"level_{level}": 0.5 for level in layout.levels}
    kinds = {
        "full": Kind("full", prune),
        "cached": Kind(layout.skip_branches, prune),
        "held": Kind(0, forecast="linear"),
    }
    return Schedule(kinds, tuple([*kinds][call % 3] for call in range(calls)))


def under(family: Family, schedule: Schedule, **options: Any) -> torch.Tensor:
    with dato.applied(family.pipe, schedule):
        return family.generate(STEPS, **options)


def test_all_full_is_bit_equal_and_removal_restores_the_exact_object(
    family: Family, calls: int
) -> None:
    before, expected = state(family.denoiser), family.generate(STEPS)
    assert torch.equal(under(family, Schedule.full(calls)), expected)
    assert state(family.denoiser) == before
    dato.apply(family.pipe, Schedule.full(calls))
    dato.remove(dato.apply(family.pipe, mixed(family, calls)))
    assert state(family.denoiser) == before
    failing = family.denoiser.register_forward_pre_hook(stop_at(2))
    with pytest.raises(RuntimeError, match="stop"):
        under(family, mixed(family, calls))
    failing.remove()
    assert state(family.denoiser) == before
    assert torch.equal(family.generate(STEPS), expected)


def stop_at(call: int) -> Callable[..., None]:
    """A hook that aborts a run at a call of the denoiser."""
    seen: list[int] = []

    def hook(*_: Any) -> None:
        seen.append(1)
        if len(seen) > call:
            raise RuntimeError("stop")

    return hook


def test_every_depth_runs_and_changes_the_image(family: Family, calls: int) -> None:
    expected = family.generate(STEPS)
    branches = dato.topology(family.pipe).skip_branches
    for depth in (0, 1, branches):
        kinds = {"full": Kind(), "cached": Kind(depth)}
        image = under(family, Schedule(kinds, ("full", *["cached"] * (calls - 1))))
        assert torch.isfinite(image).all()
        assert not torch.equal(image, expected), depth


@pytest.mark.parametrize("depth", [0, 1])
def test_the_forecast_of_a_held_value_matters(family: Family, calls: int, depth: int) -> None:
    def image(forecast: Forecast, *weights: float) -> torch.Tensor:
        steps = ("full", "full", *["cached"] * (calls - 2))
        fitted = dict.fromkeys(range(2, calls), weights) if weights else {}
        kinds = {"full": Kind(), "cached": Kind(depth, forecast=forecast)}
        return under(family, Schedule(kinds, steps, weights=fitted))

    held = image("hold")
    assert torch.equal(image("fitted", 1.0), held)
    images = [held, image("linear"), image("fitted", 1.5, -0.5)]
    assert not torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


def test_every_layer_prunes(family: Family, calls: int) -> None:
    expected = family.generate(STEPS)
    for layer in dato.topology(family.pipe).layers:
        kinds = {"full": Kind(), "pruned": Kind("full", {layer.name: 0.5})}
        image = under(family, Schedule(kinds, ("pruned", *["full"] * (calls - 1))))
        assert torch.isfinite(image).all()
        assert not torch.equal(image, expected), layer.name


def test_a_ratio_of_zero_is_bit_equal(family: Family, calls: int) -> None:
    nothing = {f"level_{level}": 0.0 for level in dato.topology(family.pipe).levels}
    image = under(family, Schedule({"full": Kind("full", nothing)}, ("full",) * calls))
    assert torch.equal(image, family.generate(STEPS))


def test_runs_start_clean_whatever_batch_and_size_came_before(family: Family, calls: int) -> None:
    schedule = mixed(family, calls)
    runs: list[dict[str, Any]] = [{"seed": 1}, {"seed": 2, "batch": 2}]
    runs += [{"size": size} for size in family.sizes]
    alone = [under(family, schedule, **run) for run in runs]
    with dato.applied(family.pipe, schedule):
        for run, expected in [*zip(runs, alone, strict=True)] * 2:
            assert torch.equal(family.generate(STEPS, **run), expected)


def test_sizes_of_any_shape_are_bit_equal_under_full_calls(family: Family, calls: int) -> None:
    for size in family.sizes:
        expected = family.generate(STEPS, size=size)
        assert torch.equal(under(family, Schedule.full(calls), size=size), expected)


def test_an_image_does_not_depend_on_the_others_in_its_batch(family: Family, calls: int) -> None:
    schedule = mixed(family, calls)
    alone, batch = (under(family, schedule, batch=count) for count in (1, 2))
    torch.testing.assert_close(batch[:1], alone, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_pipelines_in_two_threads_do_not_meet(name: str) -> None:
    families = [FAMILIES[name]() for _ in range(2)]
    count = 5 if name in ("sd15",) else STEPS
    for family in families:
        dato.apply(family.pipe, mixed(family, count), resample="nearest")
    expected = [family.generate(STEPS, seed=seed) for seed, family in enumerate(families)]
    with ThreadPoolExecutor(2) as pool:
        images = pool.map(lambda seed: families[seed].generate(STEPS, seed=seed), range(2))
        assert all(map(torch.equal, images, expected))


def test_topologies() -> None:
    branches = {name: dato.topology(make().pipe).skip_branches for name, make in FAMILIES.items()}
    twelve = dict.fromkeys(("sd15", "sd21", "img2img", "inpainting"), 12)
    two = dict.fromkeys(("sd3", "sd35-medium", "flux-dev", "flux-schnell"), 2)
    assert branches == {**twelve, **two, "sdxl": 9, "pixart": 3}
    layers = dato.topology(sdxl().pipe).layers
    assert {layer.level for layer in layers} == {1, 2}
    assert len(layers) == 2 * 2 + 1 + 2 * 3
    names = [layer.name for layer in dato.topology(flux().pipe).layers]
    assert names[1:3] == ["transformer_blocks.1", "single_transformer_blocks.0"]


@pytest.mark.parametrize("blocks", [1, 2, 7, 8, 28])
def test_a_transformer_keeps_a_block_inside_the_deepest_cut(blocks: int) -> None:
    pipe = pixart().pipe
    block = pipe.transformer.transformer_blocks[0]
    pipe.transformer.transformer_blocks = torch.nn.ModuleList([block] * blocks)
    topology = dato.topology(pipe)
    assert topology.skip_branches == (blocks - 1) // 2
    inside = [layer for layer in topology.layers if layer.branch == topology.skip_branches]
    assert len(inside) == 2 - blocks % 2
    assert len(topology.layers) == blocks


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("rest", [(2, 1, "full", 2, 0), (1, 2, 1, 2, 1), (0, 2, 1, 1, 2)])
def test_a_transformers_cache_is_the_slow_ones(
    name: str, rest: tuple[dato.schedule.Depth, ...]
) -> None:
    family = FAMILIES[name]()
    depths = ("full", *rest)
    schedule = Schedule({f"d{d}": Kind(d) for d in depths}, tuple(f"d{d}" for d in depths))
    with cached_blocks(family.denoiser, schedule):
        expected = family.generate(len(depths))
    with dato.applied(family.pipe, schedule):
        torch.testing.assert_close(family.generate(len(depths)), expected, rtol=1e-4, atol=1e-4)


def test_a_cached_call_of_sdxl_is_the_slow_caches() -> None:
    family = sdxl()
    schedule = Schedule.uniform(STEPS, 3, depth=4)
    with cached_by_hooks(family.pipe.unet, schedule):
        expected = family.generate(STEPS)
    with dato.applied(family.pipe, schedule):
        assert torch.equal(family.generate(STEPS), expected)


@pytest.mark.parametrize("make", [pixart, sd3])
def test_a_guided_transformer_shares_the_choice_of_its_unconditional_half(
    make: Callable[[], Family],
) -> None:
    family = make()
    schedule = Schedule({"full": Kind("full", {"level_0": 0.5})}, ("full",) * STEPS)
    keeps: list[torch.Tensor] = []

    def look(*_: Any) -> None:
        run = vars(family.pipe.transformer)["_dato_patch"].engine.run
        keeps.extend(plan.keep for plan in run.pruner._plans.values())

    handle = family.pipe.transformer.proj_out.register_forward_hook(look)
    with dato.applied(family.pipe, schedule):
        family.generate(STEPS)
    handle.remove()
    assert len(keeps) == STEPS
    assert all(torch.equal(keep[0], keep[1]) for keep in keeps)


def test_denoisers_of_other_kinds_are_refused_by_name() -> None:
    for other in (torch.nn.Linear(1, 1), tiny_unet().conv_in, "unet"):
        with pytest.raises(dato.UnsupportedError, match=type(other).__name__):
            dato.topology(other)
    for family, name in ((pixart(), "transformer_blocks"), (flux(), "single_transformer_blocks")):
        getattr(family.pipe.transformer, name)[1].forward = print
        with pytest.raises(dato.UnsupportedError, match=rf"\b{name}\.1"):
            dato.topology(family.pipe)
