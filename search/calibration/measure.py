"""Measures a :class:`Calibration` on unpatched runs, one image at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from dato.runtime.epsilon import shares_at
from dato.runtime.sampler import FLOW, adds_noise, predicted, renews_noise
from search.calibration.products import Gram, Sample, gram
from search.calibration.table import Calibration, Key, Vector
from search.calibration.watch import WatchedRun, probed, watched
from search.model.generator import Generator
from search.model.workload import Workload

LIMIT = 1 << 30
"""Bytes of one image's cuts that are kept, all calls and depths together; above that a random
choice of their elements stands for all. SD 1.5 with 50 calls has 2.1 GB in the cuts 1 to 3."""

PACKAGES = ("torch", "diffusers")


def measure_calibration(
    generator: Generator, workload: Workload, depths: Sequence[int], limit: int = LIMIT
) -> Calibration:
    """Inner products of the outputs and of the cuts ``depths`` over all runs of a workload.

    Each run is an unpatched one. At some of its calls every depth is computed once more, from the
    cut of the call before: how much the held output then changes is the cut's response.
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
        run = WatchedRun(own, samples, changes)
        with watched(own, run):
            own.loop(image)
        output += gram(run.outputs)
        for depth, values in run.cuts.items():
            cuts[depth] += gram(values) * samples[depth].scale
    scheduler = own.pipe.scheduler
    return Calibration(
        key=key_of(own.fingerprint, single.scheduler, calls, single.guidance_scale, workload),
        timesteps=_timesteps(scheduler),
        alphas=_shares(scheduler, flow=False),
        sigmas=_shares(scheduler, flow=True),
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


def _response(changes: Vector) -> Vector:
    """(calls,): root of the ratio of two rows of squared changes, linear between probed calls."""
    calls = changes.shape[1]
    places = [call for call in probed(calls) if changes[1, call] > 0]
    if not places:
        return np.zeros(calls)
    ratios = np.sqrt(changes[0, places] / changes[1, places])
    return np.interp(np.arange(calls), places, ratios)


def _timesteps(scheduler: Any) -> Vector:
    """(calls,): what straight lines are drawn over; zeros where the engine draws none."""
    found: Vector = scheduler.timesteps.double().cpu().numpy()
    return np.zeros(len(found)) if renews_noise(scheduler) else found


def _shares(scheduler: Any, flow: bool) -> Vector | None:
    """(calls,): alphas, or under flow matching sigmas; see :class:`Calibration`."""
    if (predicted(scheduler) == FLOW) != flow or adds_noise(scheduler):
        return None
    found = shares_at(scheduler, scheduler.timesteps, torch.device("cpu"))
    if found is None:
        return None
    shares = found.double().numpy()
    return 1 - shares if flow else shares
