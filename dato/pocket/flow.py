"""What pocket-flow's transformer reads of a caption: the tokens of its two CLIP encoders."""

from __future__ import annotations

from functools import partial
from typing import Any

_TOKENS = "encoder_hidden_states"


def read_clip_alone(pipe: Any) -> None:
    """Let a pipeline's transformer read no more tokens than its CLIP encoders make.

    In place of a missing third encoder diffusers' pipelines put 256 zeros behind the caption's
    tokens. Pocket-flow was trained without them: with them its images are noise, and they would
    cost as much as its image does. They are cut off where the transformer is called, so that every
    pipeline that is made of its components does without them.
    """
    cut = partial(_without_room, tokens=pipe.tokenizer.model_max_length)
    pipe.transformer.register_forward_pre_hook(cut, with_kwargs=True)


def _without_room(
    _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, tokens: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call's arguments, as a hook gives them back. The captions' tokens are the second one."""
    if _TOKENS in kwargs:
        return args, {**kwargs, _TOKENS: kwargs[_TOKENS][:, :tokens]}
    sample, captions, *others = args
    return (sample, captions[:, :tokens], *others), kwargs
