"""One small, real search problem, the same for every method, with a ledger of what is spent.

The pocket model in 20 DDIM steps without guidance, 8 search images for each seed, the per-call
space. What was generated once is read from the cache afterwards, so that a method pays for its
images in the ledger and not in minutes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from dato import Schedule
from search.calibration.fit import Fitted
from search.calibration.kept import depths_of
from search.calibration.measure import measure_calibration
from search.calibration.prompts import calibration_workload
from search.calibration.table import Calibration
from search.calibration.watch import probed
from search.latency.cost_file import load_cost_table
from search.latency.measure import measure
from search.model.drift import image_drift, mean_drift
from search.model.generator import Generator
from search.model.images import Images, join
from search.model.prompts import make_workloads
from search.model.reference import kept_images
from search.model.workload import chunks_of
from search.quality.features import load_feature_network
from search.quality.meter import QualityMeter
from search.records.schema import schedule_to_dict
from search.settings import Config
from search.settings.compose import compose_config
from search.space import Space, SpaceContext, load_space
from search.workers.open_pool import model_config

STEPS, BATCH = 20, 4
SEARCH_IMAGES, POOL_IMAGES, AUDIT_IMAGES = 8, 64, 12
Forecasts = Literal["searched", "held"]
"""Whether schedules choose what stands in for what they do not compute, or repeat it."""

SEED = 11
"""Of prompts and noise; seed s of a method searches on images 8 s to 8 s + 7 of the pool."""


class World:
    """The problem: model, prices, images, and an audit on prompts that no method sees.

    Args:
        cache: folder for generated images; ``table``: file of the cost table, measured if absent.
        forecasts: whether the space has them.
    """

    def __init__(self, cache: Path, table: Path, forecasts: Forecasts = "searched") -> None:
        self.cache = cache
        self.forecasts = forecasts
        held = [f"space.forecast.{part}=hold" for part in ("output", "cut")]
        cache.mkdir(parents=True, exist_ok=True)
        self.config: Config = compose_config(
            [
                "space=per_call",
                f"model.num_inference_steps={STEPS}",
                "model.guidance_scale=1",
                f"model.batch_size={BATCH}",
                f"quality.images={SEARCH_IMAGES}",
                f"quality.rung_images={BATCH}",
                "quality.real=none",
                "study.folder=unused",
                *(held if forecasts == "held" else []),
            ]
        )
        search, heldout = make_workloads(
            "pocket", images=POOL_IMAGES, heldout_images=AUDIT_IMAGES, seed=SEED
        )
        self.generator = Generator(model_config(self.config.model), search)
        self.heldout = self.generator.with_workload(heldout)
        if not table.is_file():
            measure(self.generator, repeats=3, budget_s=25).save(table)
        self.table = load_cost_table(table)
        self.space: Space = load_space(self.config.space)
        self.network = load_feature_network("pocket")
        self.share = lru_cache(maxsize=None)(self._share)
        self.audited = lru_cache(maxsize=None)(self._audited)

    @cached_property
    def context(self) -> SpaceContext:
        """What the space decodes with; the drift is kept in the cache."""
        path = self.cache / "drift.json"
        if not path.is_file():
            images = [image_drift(self.generator, image) for image in range(BATCH)]
            path.write_text(json.dumps(mean_drift(images)))
        drift = tuple(json.loads(path.read_text()))
        context = SpaceContext(self.generator.calls, self.generator.topology, drift)
        if self.forecasts == "held":
            return context
        return replace(context, weights=Fitted(self.calibration))

    @cached_property
    def calibration(self) -> Calibration:
        """Of the space's depths, on prompts of its own."""
        path = self.cache / "calibration.safetensors"
        if not path.is_file():
            workload = calibration_workload("pocket", POOL_IMAGES, SEED)
            measure_calibration(self.generator, workload, depths_of(self.space)).save(path)
        return Calibration.load(path)

    @property
    def calibration_cost(self) -> float:
        """What the calibration costs in unpatched images."""
        known, prices = self.calibration, self.table.depth_s
        again = sum(prices[str(depth)] for depth in known.cuts) / prices["full"]
        return known.key.images * (1 + len(probed(known.calls)) * again / known.calls)

    def _share(self, schedule: Schedule) -> float:
        """Cost of a run in unpatched runs, by the cost table."""
        topology = self.generator.topology
        full = Schedule.full(schedule.calls)
        return self.table.price(schedule, topology) / self.table.price(full, topology)

    def images(
        self, schedule: Schedule | None, indices: Sequence[int], heldout: bool = False
    ) -> Images:
        """Images of whole chunks, from the cache or generated and kept there."""
        generator = self.heldout if heldout else self.generator
        chunks = chunks_of(indices, BATCH, len(generator.workload))
        if list(indices) != [chunk * BATCH + row for chunk in chunks for row in range(BATCH)]:
            raise ValueError(f"The images {list(indices)} are no whole chunks of {BATCH} in order.")
        name = "unpatched" if schedule is None else _key(schedule)
        folder = self.cache / name[:2]
        folder.mkdir(exist_ok=True)
        if schedule is not None and not (folder / f"{name}.json").is_file():
            (folder / f"{name}.json").write_text(json.dumps(schedule_to_dict(schedule)))

        def kept(chunk: int) -> Images:
            path = folder / f"{name}-{'audit' if heldout else 'search'}-{chunk}.safetensors"
            return kept_images(path, BATCH, lambda: generator.chunk(schedule, chunk))

        return join([kept(chunk) for chunk in chunks])

    def meter(self, indices: Sequence[int]) -> QualityMeter:
        """Compares with the unpatched images of the same prompts and noise."""
        return QualityMeter(self.network, None, self.images(None, indices))

    def _audited(self, schedule: Schedule) -> float:
        """FID to the unpatched images on the held-out prompts."""
        images = self.images(schedule, range(AUDIT_IMAGES), heldout=True)
        return self._audit_meter.quality(images).fid_reference

    @cached_property
    def _audit_meter(self) -> QualityMeter:
        reference = self.images(None, range(AUDIT_IMAGES), heldout=True)
        return QualityMeter(self.network, None, reference)


def _key(schedule: Schedule) -> str:
    text = json.dumps(schedule_to_dict(schedule), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
