"""Measures a :class:`Calibration` on unpatched runs, one image at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from dato.sampler.epsilon import shares_at
from dato.sampler.traits import FLOW, adds_noise, predicted, renews_noise
from search.calibration.products import Gram, Sample, gram
from search.calibration.table import Calibration, Key, Vector
from search.calibration.watch import WatchedRun, probed, watched
from search.model.generator import Generator
from search.model.workload import Workload

LIMIT = 1 << 30
"""Bytes of one image's cuts that are kept, all calls and depths together; above that a random
choice of their elements stands for all. SD 1.5 with 50 calls has 2.1 GB in the cuts 1 to 3."""

PACKAGES = ("torch", "diffusers")


@dataclass(frozen=True)
class Measured:
    """What one image's run adds to a :class:`Calibration`.

    Args:
        timesteps, alphas, sigmas: see :class:`Calibration`.
        output, cuts: inner products.
        changes: see :class:`WatchedRun`.
    """

    timesteps: Vector
    alphas: Vector | None
    sigmas: Vector | None
    output: Gram
    cuts: Mapping[int, Gram]
    changes: Mapping[int, Vector]


def measure_image(
    generator: Generator, workload: Workload, image: int, depths: Sequence[int], limit: int = LIMIT
) -> Measured:
    """Inner products of the outputs and of the cuts ``depths`` of an image's unpatched run.

    At some of its calls every depth is computed once more, from the cut of the call before: how
    much the held output then changes is the cut's response.
    """
    alone = generator.one_image(workload, image)
    calls = alone.calls
    kept = limit // (4 * calls * max(len(depths), 1))
    samples = {depth: Sample(kept) for depth in depths}
    run = WatchedRun(alone, samples, {depth: np.zeros((2, calls)) for depth in depths})
    with watched(alone, run):
        alone.loop(0)
    scheduler = alone.pipe.scheduler
    return Measured(
        timesteps=_timesteps(scheduler),
        alphas=_shares(scheduler, flow=False),
        sigmas=_shares(scheduler, flow=True),
        output=gram(run.outputs),
        cuts={depth: gram(run.cuts[depth]) * samples[depth].scale for depth in depths},
        changes=run.changes,
    )


def added_up(key: Key, images: Sequence[Measured]) -> Calibration:
    """The calibration of all images, added up in their order."""
    depths = images[0].cuts
    changes = {depth: _sum(image.changes[depth] for image in images) for depth in depths}
    return Calibration(
        key=key,
        timesteps=images[0].timesteps,
        alphas=images[0].alphas,
        sigmas=images[0].sigmas,
        output=_sum(image.output for image in images),
        cuts={depth: _sum(image.cuts[depth] for image in images) for depth in depths},
        response={depth: _response(changed) for depth, changed in changes.items()},
    )


def measure_calibration(
    generator: Generator, workload: Workload, depths: Sequence[int], limit: int = LIMIT
) -> Calibration:
    """The calibration of a workload, one image after another."""
    model = generator.model
    key = key_of(
        generator.fingerprint,
        generator.work.scheduler,
        generator.calls,
        model.guidance_scale,
        workload,
    )
    images = range(len(workload))
    return added_up(
        key, [measure_image(generator, workload, image, depths, limit) for image in images]
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


def _sum(arrays: Iterable[Vector]) -> Vector:
    return reduce(np.add, arrays)


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
    timesteps: Vector = scheduler.timesteps.double().cpu().numpy()
    return np.zeros(len(timesteps)) if renews_noise(scheduler) else timesteps


def _shares(scheduler: Any, flow: bool) -> Vector | None:
    """(calls,): alphas, or under flow matching sigmas; see :class:`Calibration`."""
    if (predicted(scheduler) == FLOW) != flow or adds_noise(scheduler):
        return None
    alphas = shares_at(scheduler, scheduler.timesteps, torch.device("cpu"))
    if alphas is None:
        return None
    shares = alphas.double().numpy()
    return 1 - shares if flow else shares
