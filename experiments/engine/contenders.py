"""What is timed side by side: each puts itself on a pipeline of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch

import dato
from dato import Schedule
from dato.tokens.matching import without_kernel
from experiments.engine.architectures import Architecture
from experiments.engine.schedules import nine, pruned, published

INTERVAL, RATIO = 5, 0.5
Recipe = Callable[[int, Architecture], Schedule]


@dataclass(frozen=True)
class Contender:
    """One row of a table.

    Args:
        name: what a person reads.
        decision: what is skipped; rows of one decision skip the same.
        put: puts it on a pipeline.
        schedule: the same decision as a schedule, to count its arithmetic; None: everything runs.
        compiles: whether its first run compiles.
        needs: package without which it cannot run.
        around: entered around its runs.
    """

    name: str
    decision: str
    put: Callable[[Any, int, Architecture], object]
    schedule: Recipe | None = None
    compiles: bool = False
    needs: str = "torch"
    around: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def available(self) -> bool:
        return find_spec(self.needs) is not None


def interval(calls: int, _: Architecture) -> Schedule:
    return Schedule.uniform(calls, INTERVAL, 1)


def half(calls: int, architecture: Architecture) -> Schedule:
    return pruned(calls, architecture.level, RATIO)


def strategy(calls: int, architecture: Architecture) -> Schedule:
    return published(calls, architecture.level)


def ninefold(calls: int, architecture: Architecture) -> Schedule:
    return nine(calls, architecture.level)


def _nothing(pipe: Any, calls: int, architecture: Architecture) -> None:
    """The unpatched pipeline."""


def _compiled(pipe: Any, calls: int, architecture: Architecture) -> None:
    pipe.unet.forward = torch.compile(pipe.unet.forward, dynamic=False)


def _deepcache(pipe: Any, calls: int, architecture: Architecture) -> None:
    from experiments.benchmark.patches import deepcache

    deepcache(pipe, INTERVAL)


def _tomesd(pipe: Any, calls: int, architecture: Architecture) -> None:
    from experiments.benchmark.patches import tome

    tome(pipe, RATIO, architecture.level)


def _ours(recipe: Recipe, mode: Any = None) -> Callable[[Any, int, Architecture], None]:
    def put(pipe: Any, calls: int, architecture: Architecture) -> None:
        dato.apply(pipe, recipe(calls, architecture))
        if mode is not None:
            dato.compile(pipe, mode=mode)

    return put


def _dato(key: str, decision: str, recipe: Recipe) -> dict[str, Contender]:
    """Ours at one decision: eager, compiled, and as CUDA graphs."""
    return {
        key: Contender("dato", decision, _ours(recipe), recipe),
        f"{key}-compiled": Contender(
            "dato, compiled", decision, _ours(recipe, "default"), recipe, compiles=True
        ),
        f"{key}-graphs": Contender(
            "dato, CUDA graphs", decision, _ours(recipe, "cudagraphs"), recipe, compiles=True
        ),
    }


_NONE = "nothing skipped"
_INTERVAL = f"full every {INTERVAL} calls, else depth 1"
_HALF = f"prune {RATIO}"
_PUBLISHED = "published schedule"
_NINE = "3 full calls of 50, prune 0.7"

CONTENDERS: dict[str, Contender] = {
    "eager": Contender("unpatched", _NONE, _nothing),
    "compile": Contender("unpatched, torch.compile", _NONE, _compiled, compiles=True),
    "null": Contender("dato", _NONE, _ours(lambda calls, _: Schedule.full(calls))),
    "deepcache": Contender("DeepCache", _INTERVAL, _deepcache, interval, needs="DeepCache"),
    **_dato("interval", _INTERVAL, interval),
    "tomesd": Contender("tomesd", _HALF, _tomesd, half, needs="tomesd"),
    **_dato("half", _HALF, half),
    "half-torch": Contender(
        "dato, matching without Triton", _HALF, _ours(half), half, around=without_kernel
    ),
    **_dato("published", _PUBLISHED, strategy),
    **_dato("nine", _NINE, ninefold),
}
"""By key, in the order of a table; the first is what the others are compared with."""
