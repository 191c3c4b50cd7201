"""How much the unpatched model's noise prediction moves from call to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from search.evaluate.generate import Generator
from search.evaluate.workload import chunks_of


def reference_drift(generator: Generator, indices: Sequence[int]) -> tuple[float, ...]:
    """Mean of abs(eps_t - eps_(t-1)) per call of the unpatched run; the first entry is 0.

    Predictions of other types are converted to eps first. The mean is taken over images,
    channels and positions, of both guidance halves, over the whole chunks that hold ``indices``.
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

        with _watched(generator.pipe, watch):
            generator.loop(chunk)
        sums += torch.tensor(drifts, dtype=torch.float64)
    return tuple((sums / len(chunks)).tolist())


@contextmanager
def _watched(pipe: Any, watch: Callable[[Tensor], None]) -> Iterator[None]:
    """Call ``watch`` with each eps prediction: (rows, channels, height, width), float32."""

    def hook(_: Any, inputs: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
        sample = inputs[0] if inputs else keywords["sample"]
        timestep = inputs[1] if len(inputs) > 1 else keywords["timestep"]
        prediction = output[0] if isinstance(output, tuple) else output.sample
        watch(to_eps(pipe.scheduler, prediction.float(), sample.float(), timestep))

    handle = pipe.unet.register_forward_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def to_eps(scheduler: Any, prediction: Tensor, sample: Tensor, timestep: Tensor) -> Tensor:
    """The noise prediction behind a UNet output.

    Args:
        scheduler: its ``prediction_type`` and ``alphas_cumprod`` are used.
        prediction: UNet output: (rows, channels, height, width).
        sample: UNet input of the same shape, scaled by the scheduler.
        timestep: scalar training timestep, whole or not.

    Raises:
        ValueError: an unknown prediction type.
    """
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        return prediction
    alphas: Tensor = scheduler.alphas_cumprod.to(sample.device, torch.float32)
    position = torch.as_tensor(timestep, device=sample.device).float().clamp(0, len(alphas) - 1)
    alpha = alphas[position.round().long()]
    if kind == "v_prediction":
        return alpha.sqrt() * prediction + (1 - alpha).sqrt() * sample
    if kind == "sample":
        return (sample - alpha.sqrt() * prediction) / (1 - alpha).sqrt().clamp(min=1e-4)
    raise ValueError(
        f"prediction_type is epsilon, v_prediction or sample; found {kind!r}. "
        "Choose a scheduler with one of these."
    )
