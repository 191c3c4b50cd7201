"""The matching of ``dato.tokens.matching`` as one Triton kernel.

Lengths, cosines and arg-max are fused.

Each program keeps the best base token so far for a block of tokens while it passes over all base
tokens, so no similarity is ever written to memory. The block sizes are fixed rather than autotuned:
the order of summation, and so every choice among near-equal tokens, is the same in every process
and at every batch size. Tested in Triton's interpreter and compiled for sm_80 and sm_90; its speed
has not been measured on a GPU (``experiments/engine`` does that).
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
import triton
import triton.language as tl
from torch import Tensor

_TINY = tl.constexpr(1e-12)
"""The same as in ``dato.tokens.matching``."""

_ROWS, _COLUMNS, _CHANNELS = 64, 64, 64
"""Tokens of a program, and base tokens and channels of one of its steps."""


@triton.jit  # type: ignore[untyped-decorator]
def closest_kernel(  # type: ignore[no-untyped-def]  # Triton reads annotations as code
    tokens,
    base,
    cosine,
    place,
    others,
    bases,
    channels,
    tokens_image,
    tokens_row,
    tokens_channel,
    base_image,
    base_row,
    base_channel,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    CHANNELS: tl.constexpr,
    WIDEN: tl.constexpr,
):
    """Program (block of tokens, image); the integers after ``channels`` are strides in elements."""
    image = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, CHANNELS)
    token = tokens + image * tokens_image + row[:, None] * tokens_row
    known = row[:, None] < others

    square = tl.zeros((ROWS,), tl.float32)
    for first in range(0, channels, CHANNELS):
        at = first + channel[None, :]
        part = tl.load(token + at * tokens_channel, known & (at < channels), 0.0).to(tl.float32)
        square += tl.sum(part * part, 1)

    best = tl.full((ROWS,), float("-inf"), tl.float32)
    winner = tl.zeros((ROWS,), tl.int32)
    for start in range(0, bases, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        target = base + image * base_image + column[None, :] * base_row
        product = tl.zeros((ROWS, COLUMNS), tl.float32)
        length = tl.zeros((COLUMNS,), tl.float32)
        for first in range(0, channels, CHANNELS):
            at = first + channel[None, :]
            left = tl.load(token + at * tokens_channel, known & (at < channels), 0.0)
            at = first + channel[:, None]
            inside = (column[None, :] < bases) & (at < channels)
            right = tl.load(target + at * base_channel, inside, 0.0)
            wide = right.to(tl.float32)
            length += tl.sum(wide * wide, 0)
            if WIDEN:
                left, right = left.to(tl.float32), wide
            product = tl.dot(left, right, product, input_precision="ieee")
        value = product / tl.maximum(tl.sqrt(length), _TINY)[None, :]
        value = tl.where(column[None, :] < bases, value, float("-inf"))
        top, index = tl.max(value, 1, return_indices=True, return_indices_tie_break_left=True)
        better = top > best
        winner = tl.where(better, start + index, winner)
        best = tl.where(better, top, best)

    out = image * others + row
    tl.store(cosine + out, best / tl.maximum(tl.sqrt(square), _TINY), row < others)
    tl.store(place + out, winner.to(tl.int64), row < others)


@torch.library.custom_op("dato::closest", mutates_args=())
def closest(tokens: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """``dato.tokens.matching.closest`` with float32 sums for every input type; any strides.

    It is an operator of its own, so torch.compile and CUDA graphs take it as it is.
    """
    images, others, channels = tokens.shape
    cosine = torch.empty(images, others, dtype=torch.float32, device=tokens.device)
    place = torch.empty(images, others, dtype=torch.int64, device=tokens.device)
    step = min(_CHANNELS, max(16, triton.next_power_of_2(channels)))
    with torch.cuda.device(tokens.device) if tokens.is_cuda else nullcontext():
        closest_kernel[triton.cdiv(others, _ROWS), images](
            tokens,
            base,
            cosine,
            place,
            others,
            base.shape[1],
            channels,
            *tokens.stride(),
            *base.stride(),
            ROWS=_ROWS,
            COLUMNS=_COLUMNS,
            CHANNELS=step,
            WIDEN=not tokens.is_cuda,  # Triton's interpreter multiplies no bfloat16
        )
    return cosine, place


@closest.register_fake
def _(tokens: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    shape = tokens.shape[:2]
    return tokens.new_empty(shape, dtype=torch.float32), tokens.new_empty(shape, dtype=torch.int64)
