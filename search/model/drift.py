"""How much the unpatched model's noise prediction moves from call to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import torch
from torch import Tensor

from dato.denoisers.registry import adapter_of
from dato.runtime.epsilon import Epsilon
from search.model.generator import Generator
from search.model.workload import chunks_of


def reference_drift(generator: Generator, indices: Sequence[int]) -> tuple[float, ...]:
    """Mean of abs(eps_t - eps_(t-1)) for each call of the unpatched run; the first entry is 0.

    Predictions of other types are converted to eps first. The mean is over images, channels,
    positions and both guidance halves, of the whole chunks that hold ``indices``.
    """
    model = generator.model
    chunks = chunks_of(indices, model.batch_size, len(generator.workload))
    sums = torch.zeros(generator.calls, dtype=torch.float64)
    for chunk in chunks:
        previous: list[Tensor] = []
        drifts = [0.0]

        def watch(eps: Tensor, previous: list[Tensor] = previous, to: list[float] = drifts) -> None:
            if previous:
                to.append(float((eps - previous.pop()).abs().mean()))
            previous.append(eps)

        with _watched(generator, watch):
            generator.loop(chunk)
        sums += torch.tensor(drifts, dtype=torch.float64)
    return tuple((sums / len(chunks)).tolist())


@contextmanager
def _watched(generator: Generator, watch: Callable[[Tensor], None]) -> Iterator[None]:
    """Call ``watch`` with each eps prediction: (rows, channels, height, width), float32."""
    scheduler, first = generator.pipe.scheduler, adapter_of(generator.denoiser).inputs[0]
    calls = count()
    converters: list[Epsilon] = []

    def hook(_: Any, inputs: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
        sample = inputs[0] if inputs else keywords[first]
        prediction = output[0] if isinstance(output, tuple) else output.sample
        if not converters:
            converters.append(Epsilon(scheduler, scheduler.timesteps, sample.device))
        watch(converters[0](prediction, sample, next(calls)))

    handle = generator.denoiser.register_forward_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
