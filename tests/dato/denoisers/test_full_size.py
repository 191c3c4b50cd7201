"""The published architectures at full size, on the meta device: shapes and arithmetic only."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import PixArtTransformer2DModel, PNDMScheduler, UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

import dato
from dato.denoisers.registry import adapter_of
from search.model.architectures import PUBLISHED
from search.settings.model import ArchitectureName

GIGAFLOPS = {"full": 1606.5, 1: 126.5, 2: 360.3, 3: 610.8, 4: 754.9, 6: 1081.2, 9: 1511.9}
"""Of one guided call of SD 1.5 at 64 x 64 latents, by depth."""

CUTS = {
    1: (2, 320, 64, 64),
    2: (2, 320, 64, 64),
    3: (2, 640, 64, 64),
    4: (2, 640, 32, 32),
    6: (2, 1280, 32, 32),
    9: (2, 1280, 16, 16),
    12: (2, 1280, 8, 8),
}
"""What a call of each depth reads from the cache; ``docs/engine.md`` states the sizes."""


def on_meta(make: Any) -> Any:
    with torch.device("meta"):
        return make().eval().requires_grad_(False)


def sd15() -> Any:
    return UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8, sample_size=64)


def sdxl() -> Any:
    return UNet2DConditionModel(
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(5, 10, 20),
        transformer_layers_per_block=(1, 2, 10),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
        sample_size=128,
    )


def pixart() -> Any:
    return PixArtTransformer2DModel(caption_channels=4096, sample_size=64)


def test_a_cached_call_of_sd15_does_the_arithmetic_of_its_depth() -> None:
    adapter = adapter_of(on_meta(sd15))
    inputs = {
        "sample": torch.empty(2, 4, 64, 64, device="meta"),
        "timestep": torch.tensor(1, device="meta"),
        "encoder_hidden_states": torch.empty(2, 77, 768, device="meta"),
    }

    def gigaflops(depth: int | None, cut: Any, captures: Any) -> tuple[float, Any]:
        with FlopCounterMode(display=False) as counter:
            output, cuts = adapter.partial(inputs, depth, cut, captures)
        assert output.shape == (2, 4, 64, 64)
        return counter.get_total_flops() / 1e9, cuts

    full, cuts = gigaflops(None, None, range(1, 13))
    assert full == pytest.approx(GIGAFLOPS["full"], rel=1e-3)
    assert {depth: tuple(cuts[depth].shape) for depth in CUTS} == CUTS
    for depth in (1, 2, 3, 4, 6, 9):
        found, _ = gigaflops(depth, cuts[depth], ())
        assert found == pytest.approx(GIGAFLOPS[depth], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "branches", "teraflops", "shares"),
    [
        ("sd3", 11, 17.81, {1: 8.2, 6: 50.0}),
        ("sd35-medium", 11, 22.50, {1: 8.1, 6: 49.2}),
        ("sd35-large", 18, 62.24, {1: 5.2, 6: 31.5}),
        ("flux-dev", 28, 74.39, {1: 3.5, 6: 21.1}),
    ],
)
def test_cached_calls_of_flow_models_do_the_arithmetic_of_their_depth(
    name: ArchitectureName, branches: int, teraflops: float, shares: dict[int, float]
) -> None:
    """Of a call at 128 x 128 latents, guided but for FLUX; ``docs/models.md`` states the shares."""
    kind, config = PUBLISHED[name].denoiser
    adapter = adapter_of(on_meta(lambda: kind(**config)))
    assert adapter.topology().skip_branches == branches
    inputs = packed() if name.startswith("flux") else spatial()

    def flops(depth: int | None, cut: Any, captures: Any) -> tuple[float, Any]:
        with FlopCounterMode(display=False) as counter:
            _, cuts = adapter.partial(inputs, depth, cut, captures)
        return counter.get_total_flops() / 1e12, cuts

    full, cuts = flops(None, None, tuple(shares))
    assert full == pytest.approx(teraflops, rel=1e-3)
    for depth, share in shares.items():
        found, _ = flops(depth, cuts[depth], ())
        assert 100 * found / full == pytest.approx(share, abs=0.1)


def spatial() -> dict[str, Any]:
    shapes = {"hidden_states": (2, 16, 128, 128), "encoder_hidden_states": (2, 333, 4096)}
    return empty(shapes | {"pooled_projections": (2, 2048), "timestep": (2,)})


def packed() -> dict[str, Any]:
    shapes = {"hidden_states": (1, 4096, 64), "encoder_hidden_states": (1, 512, 4096)}
    places = {"img_ids": (4096, 3), "txt_ids": (512, 3), "timestep": (1,), "guidance": (1,)}
    return empty(shapes | places | {"pooled_projections": (1, 768)})


def empty(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def test_the_published_preset_fits_sd15() -> None:
    preset = dato.load_preset("sd15/published")
    topology = dato.topology(on_meta(sd15))
    topology.check(preset.schedule)
    assert topology.skip_branches == preset.model.skip_branches
    sampler = PNDMScheduler(skip_prk_steps=True)
    sampler.set_timesteps(preset.sampler.num_inference_steps)
    assert len(sampler.timesteps) == preset.sampler.calls == 51


@pytest.mark.parametrize(
    ("make", "branches", "blocks"),
    [(sd15, 12, {1: 16}), (sdxl, 9, {2: 5, 10: 6}), (pixart, 13, {1: 28})],
)
def test_topologies(make: Any, branches: int, blocks: dict[int, int]) -> None:
    adapter = adapter_of(on_meta(make))
    topology = dato.topology(adapter.denoiser)
    assert topology.skip_branches == branches
    found: dict[int, int] = {}
    for layer in topology.layers:
        count = len(adapter.site(layer).attentions)
        found[count] = found.get(count, 0) + 1
    assert found == blocks
