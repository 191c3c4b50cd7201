"""The forward from a cut honours every argument of diffusers' own."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import dato
from dato.denoisers.unet import count_branches, partial_forward
from dato.denoisers.unet_blocks import check_inputs
from dato.errors import UnsupportedError
from tests.dato.models import SDXL
from tests.dato.tiny import WIDTH, random, tiny_unet

TEXT = random(2, 5, WIDTH, seed=1)


def controlnet() -> dict[str, Any]:
    """Residuals for every skip branch of a 16 x 16 input, and for the middle block."""
    sides, widths = [16] * 3 + [8] * 3 + [4] * 3 + [2] * 3, [8] * 4 + [16] * 8
    shapes = [(2, width, side, side) for width, side in zip(widths, sides, strict=True)]
    return {
        "down_block_additional_residuals": tuple(random(*shape, seed=3) for shape in shapes),
        "mid_block_additional_residual": random(*shapes[-1], seed=4),
    }


ADDED = {"text_embeds": random(2, 8), "time_ids": torch.ones(2, 6)}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "class labels": ({"num_class_embeds": 4}, {"class_labels": torch.tensor([1, 3])}),
    "guidance embedding": ({"time_cond_proj_dim": 4}, {"timestep_cond": random(2, 4)}),
    "pooled text": ({"addition_embed_type": "text", "addition_embed_type_num_heads": 2}, {}),
    "time activation": ({"time_embedding_act_fn": "silu"}, {}),
    "centred input": ({"center_input_sample": True}, {}),
    "projected text": ({"encoder_hid_dim": WIDTH, "encoder_hid_dim_type": "text_proj"}, {}),
    "text mask": ({}, {"encoder_attention_mask": torch.tensor([[1, 1, 0, 0, 1]] * 2)}),
    "sdxl": (SDXL, {"added_cond_kwargs": ADDED}),
    "one resnet a block": ({"layers_per_block": 1}, {}),
    "no middle block": ({"mid_block_type": None}, {}),
    "middle without text": ({"mid_block_type": "UNetMidBlock2D"}, {}),
    "lora scale": ({}, {"cross_attention_kwargs": {"scale": 0.5}}),
}


@pytest.mark.parametrize("size", [(16, 16), (9, 13)])
@pytest.mark.parametrize("name", CASES)
def test_a_full_pass_is_bit_equal_to_diffusers(name: str, size: tuple[int, int]) -> None:
    config, inputs = CASES[name]
    check(tiny_unet(**config), random(2, 4, *size), inputs)


def test_controlnet_residuals_are_added_to_the_same_branches() -> None:
    check(tiny_unet(), random(2, 4, 16, 16), controlnet())


def check(unet: Any, sample: torch.Tensor, inputs: dict[str, Any]) -> None:
    """Full pass, then every depth around the cut of that pass: all give the same output."""
    expected = unet(sample, 10, TEXT, return_dict=False, **inputs)[0]
    branches = count_branches(unet)
    cuts = range(1, branches + 1)
    output, captured = partial_forward(unet, sample, 10, TEXT, **inputs, depth=None, captures=cuts)
    assert torch.equal(output, expected)
    assert set(captured) == set(cuts)
    for depth in cuts:
        again, inner = partial_forward(
            unet, sample, 10, TEXT, **inputs, depth=depth, cut=captured[depth], captures=cuts
        )
        assert torch.equal(again, expected)
        assert set(inner) == set(range(1, depth + 1))


def test_skip_branches_of_known_architectures() -> None:
    assert dato.topology(tiny_unet()).skip_branches == 12
    assert dato.topology(tiny_unet(**SDXL)).skip_branches == 9


def test_topology_is_the_one_of_stable_diffusion() -> None:
    from tests.strategies import sd15_topology

    assert dato.topology(tiny_unet()) == sd15_topology()


def test_layers_without_self_attention_are_not_prunable() -> None:
    only = tiny_unet(only_cross_attention=(True, True, False, False))
    names = {layer.name for layer in dato.topology(only).layers}
    assert names == {
        "down_blocks.2.attentions.0",
        "down_blocks.2.attentions.1",
        "mid_block.attentions.0",
        "up_blocks.1.attentions.0",
        "up_blocks.1.attentions.1",
        "up_blocks.1.attentions.2",
    }


@pytest.mark.parametrize(
    "inputs",
    [
        {"down_intrablock_additional_residuals": []},
        {"down_block_additional_residuals": ()},
        {"cross_attention_kwargs": {"gligen": {}}},
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(inputs: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"T2I-Adapter|GLIGEN"):
        check_inputs(inputs)


def test_unknown_blocks_are_refused_by_name() -> None:
    odd = tiny_unet(
        down_block_types=("AttnDownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D", "UpBlock2D", "AttnUpBlock2D"),
    )
    with pytest.raises(UnsupportedError, match="AttnDownBlock2D in block 0"):
        dato.topology(odd)
    with pytest.raises(UnsupportedError, match="Linear"):
        dato.topology(torch.nn.Linear(1, 1))
