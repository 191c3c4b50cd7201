"""How much the unpatched model's noise prediction moves from call to call."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from torch import Tensor

from dato.denoisers.registry import adapter_of
from dato.sampler.epsilon import Epsilon
from search.errors import TrialError
from search.model.generator import Generator
from search.model.steps_of import before_each_step


def image_drift(generator: Generator, image: int) -> tuple[float, ...]:
    """Mean of abs(eps_t - eps_(t-1)) for each call of an image's unpatched run; the first is 0.

    Predictions of other types are converted to eps first. The mean is over channels, positions and
    both guidance halves.

    Raises:
        TrialError: a prediction is not finite.
    """
    single = generator.one_image(generator.workload, image)
    previous: list[Tensor] = []
    drifts = [0.0]

    def watch(eps: Tensor) -> None:
        if not eps.isfinite().all():
            raise TrialError("The model's prediction holds NaN or infinity.")
        if previous:
            drifts.append(float((eps - previous.pop()).abs().mean()))
        previous.append(eps)

    with _watched(single, watch):
        single.loop(0)
    return tuple(drifts)


def mean_drift(images: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """The mean over images, by call."""
    return tuple(math.fsum(call) / len(images) for call in zip(*images, strict=True))


@contextmanager
def _watched(generator: Generator, watch: Callable[[Tensor], None]) -> Iterator[None]:
    """Call ``watch`` with each eps prediction: (rows, channels, height, width), float32. Of a
    denoiser without an adapter it is what guidance makes of them."""
    scheduler = generator.pipe.scheduler
    calls = count()
    converters: list[Epsilon] = []

    def told(prediction: Tensor, sample: Tensor) -> None:
        if not converters:
            converters.append(Epsilon(scheduler, scheduler.timesteps, sample.device))
        watch(converters[0](prediction, sample, next(calls)))

    if not generator.topology.skip_branches:
        with before_each_step(scheduler, told):
            yield
        return
    first = adapter_of(generator.denoiser).inputs[0]

    def hook(_: Any, inputs: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
        sample = inputs[0] if inputs else keywords[first]
        told(output[0] if isinstance(output, tuple) else output.sample, sample)

    handle = generator.denoiser.register_forward_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
