"""Every family of pipelines keeps the engine's promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import dato
from dato import Kind, Schedule
from tests.dato.models import FAMILIES, Family, pixart, sdxl
from tests.dato.tiny import tiny_unet
from tests.oracles.caching import cached_blocks, cached_by_hooks

STEPS = 6


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    made: Family = FAMILIES[request.param]()
    return made


def denoiser(family: Family) -> Any:
    return getattr(family.pipe, "unet", None) or family.pipe.transformer


def calls(family: Family) -> int:
    """Denoiser calls of a run of six steps."""
    seen: list[int] = []
    handle = denoiser(family).register_forward_pre_hook(lambda *_: seen.append(1))
    family.generate(STEPS)
    handle.remove()
    return len(seen)


def test_all_full_is_bit_equal_and_removal_restores(family: Family) -> None:
    expected = family.generate(STEPS)
    count = calls(family)
    with dato.applied(family.pipe, Schedule.full(count)):
        assert torch.equal(family.generate(STEPS), expected)
    assert "forward" not in vars(denoiser(family))
    assert torch.equal(family.generate(STEPS), expected)


def test_every_depth_runs_and_changes_the_image(family: Family) -> None:
    expected, count = family.generate(STEPS), calls(family)
    branches = dato.topology(family.pipe).skip_branches
    for depth in (0, 1, branches):
        kinds = {"full": Kind(), "cached": Kind(depth)}
        schedule = Schedule(kinds, ("full", *["cached"] * (count - 1)))
        with dato.applied(family.pipe, schedule):
            image = family.generate(STEPS)
            assert torch.equal(image, family.generate(STEPS))
        assert torch.isfinite(image).all()
        assert not torch.equal(image, expected), depth


def test_every_layer_prunes(family: Family) -> None:
    count = calls(family)
    expected = family.generate(STEPS)
    for layer in dato.topology(family.pipe).layers:
        pruned = Schedule({"full": Kind("full", {layer.name: 0.5})}, ("full",) * count)
        with dato.applied(family.pipe, pruned):
            image = family.generate(STEPS)
        assert torch.isfinite(image).all()
        assert not torch.equal(image, expected), layer.name


def test_topologies() -> None:
    branches = {name: dato.topology(make().pipe).skip_branches for name, make in FAMILIES.items()}
    twelve = dict.fromkeys(("sd15", "sd21", "img2img", "inpainting"), 12)
    assert branches == {**twelve, "sdxl": 9, "pixart": 3}
    layers = dato.topology(sdxl().pipe).layers
    assert {layer.level for layer in layers} == {1, 2}
    assert len(layers) == 2 * 2 + 1 + 2 * 3


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


@pytest.mark.parametrize("rest", [(3, 1, "full", 2, 0), (1, 3, 2, 2, 1), (0, 2, 1, 1, 3)])
def test_a_transformers_cache_is_the_slow_ones(rest: tuple[dato.schedule.Depth, ...]) -> None:
    family = pixart()
    depths = ("full", *rest)
    schedule = Schedule({f"d{d}": Kind(d) for d in depths}, tuple(f"d{d}" for d in depths))
    with cached_blocks(family.pipe.transformer, schedule):
        expected = family.generate(STEPS)
    with dato.applied(family.pipe, schedule):
        torch.testing.assert_close(family.generate(STEPS), expected, rtol=1e-5, atol=1e-5)


def test_a_cached_call_of_sdxl_is_the_slow_caches() -> None:
    family = sdxl()
    schedule = Schedule.uniform(STEPS, 3, depth=4)
    with cached_by_hooks(family.pipe.unet, schedule):
        expected = family.generate(STEPS)
    with dato.applied(family.pipe, schedule):
        assert torch.equal(family.generate(STEPS), expected)


def test_a_guided_transformer_shares_the_choice_of_its_unconditional_half() -> None:
    family = pixart()
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
    family = pixart()
    family.pipe.transformer.transformer_blocks[1].forward = print
    with pytest.raises(dato.UnsupportedError, match=r"transformer_blocks\.1"):
        dato.topology(family.pipe)
