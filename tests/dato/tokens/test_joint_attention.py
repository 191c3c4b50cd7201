"""Pruning in attentions that text and image share: only tokens of the image are pruned."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import dato
from dato import Kind, Schedule
from dato.tokens.hooks import KeptRows
from dato.tokens.selection import Plan
from tests.dato.models import Family, flux, sd3, sd35_medium

TEXT, IMAGE, KEPT = 5, 64, 32
PRUNED = Schedule({"pruned": Kind("full", {"level_0": 0.5})}, ("pruned",) * 3)


def attentions(family: Family, schedule: Schedule = PRUNED, **options: Any) -> list[dict[str, Any]]:
    """What every attention of a run is given, once its layer is pruned."""
    seen: list[dict[str, Any]] = []

    def look(module: Any, _args: Any, keywords: dict[str, Any]) -> None:
        seen.append(keywords | {"module": module})

    with dato.applied(family.pipe, schedule):
        handles = [
            module.register_forward_pre_hook(look, with_kwargs=True)
            for name, module in family.denoiser.named_modules()
            if name.split(".")[-1] in ("attn", "attn2")
        ]
        family.generate(schedule.calls, **options)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("make", [sd3, sd35_medium, flux])
def test_all_text_is_kept_and_the_image_is_pruned_by_its_ratio(make: Any) -> None:
    for given in attentions(make(), batch=2):
        own, text = given.get("hidden_states"), given.get("encoder_hidden_states")
        if own is None:  # the hook before hands the input on by place
            continue
        assert own.shape[1] == KEPT if text is not None else own.shape[1] in (KEPT, TEXT + KEPT)
        assert text is None or text.shape[1] == TEXT


def test_rotary_positions_follow_the_kept_tokens_of_each_image() -> None:
    family = flux()
    tables: list[Any] = []
    positions = family.denoiser.pos_embed
    handle = positions.register_forward_hook(lambda *all_of: tables.append(all_of[2]))
    plans: list[Plan] = []
    kept: list[tuple[Any, Any]] = []

    def look(_module: Any, _args: Any, keywords: dict[str, Any]) -> None:
        run = vars(family.denoiser)["_dato_patch"].engine.run
        plans[:] = run.pruner._plans.values()
        kept.append((keywords["image_rotary_emb"], tables[-1]))

    with dato.applied(family.pipe, PRUNED):
        last = family.denoiser.single_transformer_blocks[-1].attn
        look_handle = last.register_forward_pre_hook(look, with_kwargs=True)
        family.generate(3, batch=2)
    handle.remove()
    look_handle.remove()
    assert len(kept) == 3
    whole = next(plan for plan in plans if plan.source.shape[1] == TEXT + IMAGE)
    for image in range(2):
        assert whole.keep[image, :TEXT].tolist() == list(range(TEXT))
        for own, table in zip(*kept[-1], strict=True):
            assert torch.equal(own[None, :, None, :][image, :, 0], table[whole.keep[image]])
    assert not torch.equal(whole.keep[0], whole.keep[1])


def test_a_plan_within_a_longer_sequence_leaves_the_other_tokens_alone() -> None:
    plan = Plan.of(torch.tensor([[0, 3]]), torch.tensor([[0, 0, 1, 1]]))
    longer = plan.within(2, 1)
    tokens = torch.arange(7.0)[None, :, None]
    assert longer.prune(tokens).flatten().tolist() == [0, 1, 2, 5, 6]
    assert longer.recover(longer.prune(tokens)).flatten().tolist() == [0, 1, 2, 2, 5, 5, 6]
    assert plan.within(0, 0) is plan


def test_positions_read_in_another_way_are_refused() -> None:
    rows = KeptRows(torch.zeros(2, 3, 4))
    assert rows[None, :, None, :].shape == (2, 3, 1, 4)
    assert rows[None, None, :, :].shape == (2, 1, 3, 4)
    with pytest.raises(dato.UnsupportedError, match="rotary positions"):
        rows[:, 0]


@pytest.mark.parametrize("make", [sd3, flux])
def test_a_mask_of_a_pruned_attention_is_refused(make: Any) -> None:
    masked: dict[str, Any] = {"joint_attention_kwargs": {"attention_mask": torch.ones(1, 1)}}
    with pytest.raises(dato.UnsupportedError, match="attention_mask"):
        attentions(make(), **masked)
