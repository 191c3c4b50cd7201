"""One unpatched run, watched: its outputs, its cuts, and what older cuts would have done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dato.denoisers.base import Adapter
from dato.denoisers.registry import adapter_of
from dato.sampler.held_output import HeldOutput
from search.calibration.products import Sample
from search.calibration.table import Vector
from search.model.generator import Generator
from search.model.steps_of import before_each_step

PROBES = 8
"""Calls at which a cut's response is measured; it is interpolated in between."""


def probed(calls: int) -> tuple[int, ...]:
    """The calls at which responses are measured, evenly spread over all but the first."""
    if calls < 2:
        return ()
    places = np.linspace(1, calls - 1, min(PROBES, calls - 1))
    return tuple(round(place) for place in places.tolist())


@dataclass
class WatchedRun:
    """The values of one image's run.

    Args:
        generator: of that image alone.
        samples: of each depth's values.
        changes: (2, calls) by depth: squares by which a probed call's noise and cut change, added
            up over images.
    """

    generator: Generator
    samples: Mapping[int, Sample]
    changes: Mapping[int, Vector]
    outputs: list[Tensor] = field(default_factory=list)
    cuts: dict[int, list[Tensor]] = field(default_factory=dict)
    last: Mapping[int, Tensor] = field(default_factory=dict)
    conversion: HeldOutput | None = None

    def call(self, adapter: Adapter, inputs: Mapping[str, Any]) -> Tensor:
        """Compute one call, and take in its values."""
        number = len(self.outputs)
        output, cuts = adapter.partial(inputs, None, None, tuple(self.samples))
        value = self._held(output, inputs[adapter.inputs[0]], number)
        if number in probed(self.generator.calls):
            for depth, held in self.last.items():
                other, _ = adapter.partial(inputs, depth, held, ())
                missed = self._held(other, inputs[adapter.inputs[0]], number) - value
                self.changes[depth][:, number] += (_square(missed), _square(held - cuts[depth]))
        for depth, feature in cuts.items():
            self.cuts.setdefault(depth, []).append(self.samples[depth].of(feature))
        self.outputs.append(value)
        self.last = cuts
        return output

    def handed(self, output: Tensor, sample: Tensor) -> None:
        """Take in the values of a call whose denoiser nobody looks into.

        Args:
            output: what the pipeline hands to its sampler, guidance and all.
            sample: the denoiser's input.
        """
        self.outputs.append(self._converted(output, sample, len(self.outputs)).flatten())

    def _held(self, output: Tensor, sample: Tensor, number: int) -> Tensor:
        """What is held of a guided output, flat: both halves are forecast by the same weights."""
        value = self._converted(output, sample, number)
        if self.generator.guided:
            without, conditional = value.chunk(2)
            value = torch.lerp(without, conditional, self.generator.model.guidance_scale)
        return value.flatten()

    def _converted(self, output: Tensor, sample: Tensor, number: int) -> Tensor:
        scheduler = self.generator.pipe.scheduler
        timesteps = scheduler.timesteps
        if number == 0:
            self.conversion = HeldOutput.of("epsilon", scheduler, timesteps, sample.device)
        if self.conversion is None:
            return output[:, : sample.shape[1]].float()
        return self.conversion.hold(output, sample, number)


@contextmanager
def watched(generator: Generator, run: WatchedRun) -> Iterator[None]:
    """The denoiser's calls are computed by ``run`` inside the block; of a denoiser without an
    adapter ``run`` is handed what it computes."""
    if not generator.topology.skip_branches:
        with before_each_step(generator.pipe.scheduler, run.handed):
            yield
        return
    adapter = adapter_of(generator.denoiser)

    def forward(*args: Any, **kwargs: Any) -> Any:
        inputs = dict(zip(adapter.inputs, args, strict=False)) | kwargs
        output = run.call(adapter, inputs)
        return adapter.result(output) if inputs.get("return_dict", True) else (output,)

    with _replaced(generator.denoiser, forward):
        yield


@contextmanager
def _replaced(denoiser: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """``forward`` stands in for a module's own, which is put back exactly."""
    before = vars(denoiser).get("forward")
    denoiser.forward = forward
    try:
        yield
    finally:
        del denoiser.forward
        if before is not None:
            denoiser.forward = before


def _square(values: Tensor) -> float:
    return float(values.double().square().sum())
