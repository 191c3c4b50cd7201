"""What pruning does to a run: every setting matters, and nothing else changes it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import dato
from dato.errors import UnsupportedError
from dato.schedule import Kind, Schedule, Tokens
from dato.tokens.selection import select
from tests.dato.tiny import PRUNE, generate, generated, scheduler, tiny_pipe, tiny_unet


def schedule(prune: dict[str, float] | None = None, **tokens: Any) -> Schedule:
    """Four calls: full, depth 2, full, depth 2, all of them pruned."""
    ratios = PRUNE if prune is None else prune
    return Schedule.uniform(4, 2, 2, ratios, Tokens(**tokens))


@pytest.fixture(scope="module")
def plain() -> Any:
    """A pipeline and its image under the default settings."""
    pipe = tiny_pipe()
    return pipe, generated(pipe, schedule())


@pytest.mark.parametrize(
    "tokens",
    [
        {"patch": (4, 4)},
        {"patch": (1, 2), "dynamics_weight": 1.0},
        {"dynamics_weight": 0.0},
        {"noise_weight": 0.0},
        {"protect": 0.9},
        {"share": "layer"},
    ],
)
def test_every_setting_of_the_tokens_changes_the_image(plain: Any, tokens: dict[str, Any]) -> None:
    pipe, image = plain
    assert not torch.equal(generated(pipe, schedule(**tokens)), image)


@pytest.mark.parametrize("layer", dato.topology(tiny_unet()).layers, ids=lambda layer: layer.name)
def test_the_ratio_of_every_layer_changes_the_image(layer: dato.Layer) -> None:
    pipe = tiny_pipe()
    images = [
        generated(
            pipe,
            Schedule({"full": Kind("full", {layer.name: ratio})}, ("full",)),
            size=(24, 24),
        )
        for ratio in (0.0, 0.3, 0.6)
    ]
    assert not torch.equal(images[0], images[1])
    assert not torch.equal(images[1], images[2])


def test_a_ratio_of_zero_is_bit_equal(plain: Any) -> None:
    pipe, _ = plain
    zeros = dict.fromkeys(PRUNE, 0.0)
    assert torch.equal(generated(pipe, schedule(zeros)), generated(pipe, schedule({})))
    assert torch.equal(generated(pipe, schedule({"level_3": 0.01})), generated(pipe, schedule({})))


def test_runs_repeat_to_the_bit_and_leave_the_global_generator_alone(plain: Any) -> None:
    pipe, image = plain
    before = torch.get_rng_state()
    assert torch.equal(generated(pipe, schedule()), image)
    torch.rand(7)
    assert torch.equal(generated(pipe, schedule()), image)
    torch.set_rng_state(before)
    generated(pipe, schedule())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("guidance", [3.0, 1.0])
def test_an_image_does_not_depend_on_the_others_in_its_batch(plain: Any, guidance: float) -> None:
    pipe, _ = plain
    alone = generated(pipe, schedule(), guidance_scale=guidance)
    batch = generated(pipe, schedule(), batch=3, guidance_scale=guidance)
    torch.testing.assert_close(batch[:1], alone, rtol=1e-4, atol=1e-4)


def test_the_conditional_half_reuses_the_choice_of_the_unconditional(pipe: Any) -> None:
    plans = []
    attention = pipe.unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1
    with dato.applied(pipe, schedule()):
        attention.register_forward_pre_hook(
            lambda *_: plans.extend(
                vars(pipe.unet)["_dato_patch"].engine.run.pruner._plans.values()
            )
        )
        generate(pipe, steps=4, batch=3)
    assert len(plans) == 4
    for plan in plans:
        assert plan.keep.shape == (6, 128)
        assert torch.equal(plan.keep[:3], plan.keep[3:])
        assert not torch.equal(plan.keep[0], plan.keep[1])


def test_one_selection_for_each_level_or_layer(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []

    def counting(*arguments: Any) -> Any:
        counted.append(1)
        return select(*arguments)

    monkeypatch.setattr("dato.tokens.plans.select", counting)
    for share, selections in (("level", 3), ("layer", 15)):
        counted.clear()
        one = Schedule({"full": Kind("full", PRUNE)}, ("full",), Tokens(share=share))  # type: ignore[arg-type]
        generated(pipe, one)
        assert len(counted) == selections


def test_the_attention_itself_sees_only_the_kept_tokens(pipe: Any) -> None:
    lengths = set()

    class Processor:
        """A custom attention processor, as a user might set one."""

        def __call__(self, attn: Any, hidden_states: torch.Tensor, **_: Any) -> torch.Tensor:
            lengths.add(hidden_states.shape[1])
            return hidden_states

    with dato.applied(pipe, schedule({"level_0": 0.75})):
        pipe.unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.set_processor(
            Processor()
        )
        generate(pipe, steps=4)
    assert lengths == {64}


def test_odd_sizes_and_transformers_of_several_blocks() -> None:
    pipe = tiny_pipe(tiny_unet(transformer_layers_per_block=(2, 1, 1, 1)))
    image = generated(pipe, schedule(dict.fromkeys(PRUNE, 0.75)), size=(9, 13))
    assert torch.isfinite(image).all()


@pytest.mark.parametrize("prediction", ["v_prediction", "sample"])
def test_other_predictions_are_converted(prediction: str) -> None:
    pipe = tiny_pipe(sampler=scheduler(steps_offset=1, prediction_type=prediction))
    image = generated(pipe, schedule())
    assert torch.isfinite(image).all()


def test_predictions_that_cannot_be_converted_are_refused(pipe: Any) -> None:
    pipe.scheduler.register_to_config(prediction_type="flow_prediction")
    with dato.applied(pipe, schedule()), pytest.raises(UnsupportedError, match="flow_prediction"):
        generate(pipe, steps=4)


def test_an_attention_mask_with_pruning_is_refused(pipe: Any) -> None:
    pipe.scheduler.set_timesteps(4)
    inputs = torch.zeros(1, 4, 16, 16), pipe.scheduler.timesteps[0], torch.zeros(1, 5, 8)
    with dato.applied(pipe, schedule()), pytest.raises(UnsupportedError, match="attention_mask"):
        pipe.unet(*inputs, attention_mask=torch.ones(1, 256))
