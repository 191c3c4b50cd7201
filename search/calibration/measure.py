"""Measures a :class:`Calibration` on unpatched runs, one image at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dato.denoisers.base import Adapter
from dato.denoisers.registry import adapter_of
from dato.runtime.epsilon import Epsilon
from search.calibration.products import Gram, Sample, gram
from search.calibration.table import Calibration, Key, Vector
from search.model.generator import Generator
from search.model.workload import Workload

LIMIT = 1 << 30
"""Bytes of one image's cuts that are kept, all calls and depths together; above that a random
choice of their elements stands for all. SD 1.5 with 50 calls has 1.3 GB in the cuts 1 to 3."""

PROBES = 8
"""Calls at which a cut's response is measured; it is interpolated in between."""

PACKAGES = ("torch", "diffusers")


def measure_calibration(
    generator: Generator, workload: Workload, depths: Sequence[int], limit: int = LIMIT
) -> Calibration:
    """Inner products of the outputs and of the cuts ``depths`` over all runs of a workload.

    Each run is an unpatched one. At :data:`PROBES` of its calls every depth is computed once more,
    from the cut of the call before: how much the noise then changes is the cut's response.
    """
    single = replace(generator.model, batch_size=1)
    own = Generator(single, workload, pipe=generator.pipe)
    calls = own.calls
    kept = limit // (4 * calls * max(len(depths), 1))
    samples = {depth: Sample(kept) for depth in depths}
    output: Gram = np.zeros((calls, calls))
    cuts: dict[int, Gram] = {depth: np.zeros((calls, calls)) for depth in depths}
    changes = {depth: np.zeros((2, calls)) for depth in depths}
    for image in range(len(workload)):
        run = _Run(own, samples, changes)
        with _watched(own, run):
            own.loop(image)
        output += gram(run.outputs)
        for depth, values in run.cuts.items():
            cuts[depth] += gram(values) * samples[depth].scale
    scheduler = own.pipe.scheduler
    return Calibration(
        key=key_of(own.fingerprint, single.scheduler, calls, single.guidance_scale, workload),
        timesteps=scheduler.timesteps.double().cpu().numpy(),
        alphas=_alphas(scheduler),
        output=output,
        cuts=cuts,
        response={depth: _response(found) for depth, found in changes.items()},
    )


def key_of(
    fingerprint: str, scheduler: str, calls: int, guidance_scale: float, workload: Workload
) -> Key:
    """What a calibration of ``workload`` is kept under."""
    text = "\n".join([str(workload.seed), *workload.prompts])
    return Key(
        fingerprint=fingerprint,
        scheduler=scheduler,
        calls=calls,
        guidance_scale=float(guidance_scale),
        prompts=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        images=len(workload),
        versions={name: version(name) for name in PACKAGES},
    )


def probed(calls: int) -> tuple[int, ...]:
    """The calls at which responses are measured, evenly spread over all but the first."""
    if calls < 2:
        return ()
    places = np.linspace(1, calls - 1, min(PROBES, calls - 1))
    return tuple(round(place) for place in places.tolist())


def _response(changes: Vector) -> Vector:
    """(calls,): root of the ratio of two rows of squared changes, linear between probed calls."""
    calls = changes.shape[1]
    places = [call for call in probed(calls) if changes[1, call] > 0]
    if not places:
        return np.zeros(calls)
    ratios = np.sqrt(changes[0, places] / changes[1, places])
    return np.interp(np.arange(calls), places, ratios)


def _alphas(scheduler: Any) -> Vector | None:
    """(calls,): cumulative products of alphas at the timesteps; None where there are none."""
    table = getattr(scheduler, "alphas_cumprod", None)
    if table is None:
        return None
    index = scheduler.timesteps.cpu().round().long().clamp(0, len(table) - 1)
    found: Vector = table.double().cpu()[index].numpy()
    return found


@dataclass
class _Run:
    """The values of one image's run.

    Args:
        samples: of each depth's values.
        changes: (2, calls) by depth: squares by which a probed call's noise and cut change, added
            up over images.
    """

    own: Generator
    samples: Mapping[int, Sample]
    changes: Mapping[int, Vector]
    outputs: list[Tensor] = field(default_factory=list)
    cuts: dict[int, list[Tensor]] = field(default_factory=dict)
    last: Mapping[int, Tensor] = field(default_factory=dict)
    epsilon: Epsilon | None = None

    def call(self, adapter: Adapter, inputs: Mapping[str, Any]) -> Tensor:
        """Compute one call, and take in its values."""
        number = len(self.outputs)
        output, cuts = adapter.partial(inputs, None, None, tuple(self.samples))
        noise = self._noise(output, inputs[adapter.inputs[0]], number)
        if number in probed(self.own.calls):
            for depth, held in self.last.items():
                other, _ = adapter.partial(inputs, depth, held, ())
                missed = self._noise(other, inputs[adapter.inputs[0]], number) - noise
                self.changes[depth][:, number] += (_square(missed), _square(held - cuts[depth]))
        for depth, value in cuts.items():
            self.cuts.setdefault(depth, []).append(self.samples[depth].of(value))
        self.outputs.append(noise)
        self.last = cuts
        return output

    def _noise(self, output: Tensor, sample: Tensor, number: int) -> Tensor:
        """The guided noise that an output implies, flat."""
        if self.epsilon is None:
            scheduler = self.own.pipe.scheduler
            timesteps = scheduler.timesteps
            self.epsilon = Epsilon(scheduler, timesteps, sample.device, velocity=True)
        noise = self.epsilon(output, sample, number)
        if self.own.model.guided:
            without, conditional = noise.chunk(2)
            noise = torch.lerp(without, conditional, self.own.model.guidance_scale)
        return noise.flatten()


@contextmanager
def _watched(generator: Generator, run: _Run) -> Iterator[None]:
    """The denoiser's calls are computed by ``run`` inside the block."""
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
