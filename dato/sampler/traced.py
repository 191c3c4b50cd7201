"""Traces by the settings that they follow from, so that a run repeated costs none."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from dato.sampler.probe import NotLinearError
from dato.sampler.stand_in import ADDED
from dato.sampler.step_types import StepTypes
from dato.sampler.trace import Skipped, Trace, trace
from dato.sampler.twin import beside_its_tables, state_of, twin_of
from dato.schedule import Quantity

_MOST = 64
Traced = tuple[Trace, StepTypes]

_known: OrderedDict[object, Traced | str] = OrderedDict()
_guard = threading.Lock()


def traced(scheduler: Any, calls: Sequence[Skipped | None], quantity: Quantity) -> Traced:
    """The trace of a scheduler's run, which it is not stepped for; see :func:`trace`.

    Args:
        scheduler: a pipeline's, after ``set_timesteps``; stays as it is.

    Raises:
        NotLinearError: naming what the scheduler does.
    """
    key = state_of(scheduler, ADDED), tuple(calls), quantity
    with _guard:
        known = _known.get(key)
    if known is None:
        known = _trace(scheduler, calls, quantity)
        with _guard:
            _known[key] = known
            while len(_known) > _MOST:
                _known.popitem(last=False)
    if isinstance(known, str):
        raise NotLinearError(known)
    return known


def _trace(scheduler: Any, calls: Sequence[Skipped | None], quantity: Quantity) -> Traced | str:
    try:
        with beside_its_tables():
            walked = trace(twin_of(scheduler, ADDED), calls, quantity)
    except NotLinearError as error:
        return f"{_named(scheduler)}: {error}"
    except Exception as error:  # whatever a scheduler of anybody's does with coefficients
        return f"{_named(scheduler)}: its step takes no coefficients ({error})"
    return walked, StepTypes(twin_of(scheduler, ADDED, exact=False))


def _named(scheduler: Any) -> str:
    """The scheduler with the settings that make steps other than linear, where it has some."""
    config = scheduler.config
    settings = [
        f"{name}=True"
        for name in ("clip_sample", "thresholding", "stochastic_sampling")
        if config.get(name)
    ]
    kind = str(config.get("algorithm_type", ""))
    if kind.startswith("sde"):
        settings.append(f"algorithm_type={kind!r}")
    name = type(scheduler).__name__
    return f"{name} with {', '.join(settings)}" if settings else name
