"""Chooses the tokens that a pruned self-attention skips, and those that stand in for them.

Pure tensor code. The number of kept tokens depends on shapes alone, and nothing here waits for the
device: no ``item``, no ``nonzero``, no boolean indexing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from dato.schedule import Tokens
from dato.tokens.matching import match

_PROTECTED = 4.0
"""Subtracted from the similarity of a protected token, which sorts it behind every other one: a
cosine spans only 2."""


@dataclass(frozen=True)
class Plan:
    """The kept tokens of one attention and the way back.

    Args:
        keep: (rows, kept), positions of the kept tokens.
        source: (rows, tokens), for every token the place in ``keep`` that it is read from.
        kept_rows: ``keep`` as places among the tokens of all rows; ``source_rows``: ``source`` so.
    """

    keep: Tensor
    source: Tensor
    kept_rows: Tensor
    source_rows: Tensor

    @classmethod
    def of(cls, keep: Tensor, source: Tensor) -> Self:
        """The plan with its rows, which are counted once for all layers that share it."""
        return cls(keep, source, _rows(keep, source.shape[1]), _rows(source, keep.shape[1]))

    def prune(self, tokens: Tensor) -> Tensor:
        """(batch, tokens, channels) to (batch, kept, channels)."""
        return _take(tokens, self.kept_rows, self.keep.shape[1])

    def recover(self, kept: Tensor) -> Tensor:
        """(batch, kept, channels) to (batch, tokens, channels): one gather."""
        return _take(kept, self.source_rows, self.source.shape[1])

    def within(self, before: int, behind: int) -> Plan:
        """The plan for a sequence that has other tokens, all kept, around those of this one."""
        if not before and not behind:
            return self
        rows, (kept, tokens) = len(self.keep), (self.keep.shape[1], self.source.shape[1])

        def around(inner: Tensor, count: int) -> Tensor:
            ends = torch.arange(
                count + before + behind, dtype=torch.int64, device=inner.device
            ).expand(rows, -1)
            return torch.cat([ends[:, :before], inner + before, ends[:, before + count :]], 1)

        return Plan.of(around(self.keep, tokens), around(self.source, kept))

    def repeat(self, groups: int) -> Plan:
        """The same plan for each of ``groups`` halves of a guided batch."""
        return Plan.of(self.keep.repeat(groups, 1), self.source.repeat(groups, 1))


@dataclass(frozen=True)
class Selection:
    """The order in which tokens are pruned; every ratio is a prefix of it.

    Args:
        base: (images, bases), one token of each patch, never pruned.
        order: (images, others), all other tokens, the first to be pruned first.
        match: (images, others), the place in ``base`` of the base token most like each of them.
    """

    base: Tensor
    order: Tensor
    match: Tensor

    def plan(self, pruned: int) -> Plan:
        """The plan that prunes this number of tokens; see :func:`pruned_count`."""
        keep = torch.cat([self.base, self.order[:, pruned:]], 1)
        place = torch.arange(keep.shape[1], dtype=torch.int64, device=keep.device).expand_as(keep)
        target = torch.cat([keep, self.order[:, :pruned]], 1)
        source = torch.empty_like(target)
        source.scatter_(1, target, torch.cat([place, self.match[:, :pruned]], 1))
        return Plan.of(keep, source)


def pruned_count(grid: tuple[int, int], patch: tuple[int, int], ratio: float) -> int:
    """``floor(ratio * tokens)``, at most all that are not base; from the shape alone."""
    tokens = grid[0] * grid[1]
    bases = math.ceil(grid[0] / patch[0]) * math.ceil(grid[1] / patch[1])
    return min(math.floor(ratio * tokens + 1e-9), tokens - bases)


def scores(dynamics: Tensor | None, noise: Tensor, tokens: Tokens) -> Tensor:
    """Scores for the choice of base tokens.

    Dynamics are divided by their standard deviation in each image, so that the weights mean the
    same at every call. They are centred first, which changes no choice but keeps the precision of
    the noise where dynamics are nearly constant.

    Args:
        dynamics: (images, tokens), or None while unknown.
        noise: (tokens,), standard normal.

    Returns:
        (images, tokens), or (1, tokens) without dynamics.
    """
    score = tokens.noise_weight * noise[None]
    if dynamics is None:
        return score
    centred = dynamics - dynamics.mean(1, keepdim=True)
    scale = centred.std(1, keepdim=True, correction=0).clamp_min(1e-6)
    return score + tokens.dynamics_weight * centred / scale


def base_tokens(score: Tensor, grid: tuple[int, int], patch: tuple[int, int]) -> Tensor:
    """Position of the highest score in each patch; patches at the border may be smaller.

    Args:
        score: (images, height * width).

    Returns:
        (images, patches), in the order of the patches.
    """
    height, width = grid
    rows, columns = math.ceil(height / patch[0]), math.ceil(width / patch[1])
    room = (0, columns * patch[1] - width, 0, rows * patch[0] - height)
    padded = torch.nn.functional.pad(score.unflatten(1, grid), room, value=-math.inf)
    patches = padded.unflatten(2, (columns, patch[1])).unflatten(1, (rows, patch[0]))
    best = patches.transpose(2, 3).flatten(3).argmax(3)
    top = torch.arange(rows, dtype=torch.int64, device=score.device)[:, None] * patch[0]
    left = torch.arange(columns, dtype=torch.int64, device=score.device) * patch[1]
    chosen: Tensor = (top + best // patch[1]) * width + left + best % patch[1]
    return chosen.flatten(1)


@torch.no_grad()
def select(
    tokens: Tensor, score: Tensor, dynamics: Tensor | None, grid: tuple[int, int], settings: Tokens
) -> Selection:
    """Order the tokens of a level for pruning.

    Args:
        tokens: (images, height * width, channels), the input of a self-attention.
        score: (images or 1, height * width), see :func:`scores`.
        dynamics: (images, height * width), or None while unknown: nothing is protected then.
    """
    base = base_tokens(score, grid, settings.patch).expand(tokens.shape[0], -1)
    other = _others(base, tokens.shape[1])
    similarity, nearest = match(_at(tokens, other), _at(tokens, base))
    if dynamics is not None:
        guarded = protected(dynamics, settings.protect)
        similarity = similarity - _PROTECTED * guarded.gather(1, other)
    rank = similarity.argsort(dim=1, descending=True, stable=True)
    return Selection(base, other.gather(1, rank), nearest.gather(1, rank))


def protected(dynamics: Tensor, share: float) -> Tensor:
    """1.0 at the ``share`` of tokens with the highest dynamics, else 0.0; (images, tokens)."""
    count = math.floor(share * dynamics.shape[1] + 1e-9)
    highest = dynamics.topk(count, 1).indices
    return torch.zeros_like(dynamics).scatter_(1, highest, 1.0)


def _others(base: Tensor, count: int) -> Tensor:
    """Positions that are not base tokens, ascending."""
    taken = torch.zeros(base.shape[0], count, dtype=torch.uint8, device=base.device)
    taken.scatter_(1, base, 1)
    return taken.argsort(dim=1, stable=True)[:, : count - base.shape[1]]


def _at(tokens: Tensor, index: Tensor) -> Tensor:
    """(batch, tokens, channels) at (batch, rows)."""
    return _take(tokens, _rows(index, tokens.shape[1]), index.shape[1])


def _rows(index: Tensor, count: int) -> Tensor:
    """Places among the ``count`` tokens of each image as places among those of all images."""
    first = torch.arange(0, len(index) * count, count, dtype=torch.int64, device=index.device)
    return (index + first[:, None]).flatten()


def _take(tokens: Tensor, rows: Tensor, count: int) -> Tensor:
    """Copy whole tokens, ``count`` for each image; ten times faster than ``gather`` on a CPU."""
    images, _, channels = tokens.shape
    return tokens.flatten(0, 1).index_select(0, rows).view(images, count, channels)
