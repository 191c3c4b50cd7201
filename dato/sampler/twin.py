"""A copy of a scheduler that may be stepped without touching the pipeline's own."""

from __future__ import annotations

import copy
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor


def beside_its_tables() -> AbstractContextManager[object]:
    """Inside the block whatever a twin makes is on the CPU, as its tables are. Where that is the
    default there is nothing to do: torch's own context doubles the time of small operations."""
    on_cpu = torch.get_default_device().type == "cpu"
    return nullcontext() if on_cpu else torch.device("cpu")


def twin_of(scheduler: Any, without: Collection[str] = (), *, exact: bool = True) -> Any:
    """A scheduler of the same class and state on the CPU.

    Args:
        scheduler: after ``set_timesteps``.
        without: attributes of the instance that the copy lacks.
        exact: with its tables in float64.
    """
    twin = object.__new__(type(scheduler))
    for name, value in vars(scheduler).items():
        if name not in without:
            twin.__dict__[name] = _copied(value, exact=exact and name != "timesteps")
    return twin


def _copied(value: Any, *, exact: bool) -> Any:
    if isinstance(value, Tensor):
        table = value.detach().cpu()
        # Timesteps are compared with each other, so they keep their type.
        return table.double() if exact and table.is_floating_point() else table.clone()
    return copy.deepcopy(value)


def state_of(scheduler: Any, without: Collection[str] = ()) -> tuple[object, ...]:
    """What a scheduler's steps follow from, for comparison; reads tables on a device once."""
    names = sorted(set(vars(scheduler)) - set(without))
    return (type(scheduler), *((name, _content(vars(scheduler)[name])) for name in names))


def _content(value: Any) -> object:
    if isinstance(value, Tensor):
        return str(value.dtype), value.detach().cpu().numpy().tobytes()
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return repr(value)
