"""What was measured of rivals, kept beside the statistics of real images for later studies."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from search.errors import UserError
from search.model.workload import Workload
from search.preparation.inputs import model_inputs
from search.preparation.instruments import Instruments
from search.quality.real_images import statistics_folder
from search.quality.statistics import Statistics
from search.records.files import load_rivals, save_rivals
from search.records.quality import Quality
from search.records.rival import Rival

LIBRARIES = ("torch", "diffusers", "transformers")


def kept_quality(path: Path, rival: Rival, make: Callable[[], Quality]) -> tuple[Quality, float]:
    """The quality of a rival on some workload, and the seconds that it took; 0 where an earlier
    study had measured it.

    Args:
        path: see :func:`rival_path`. A file that is broken or cannot be written costs nothing but
            the time to measure again.
    """
    with suppress(UserError):
        for known in load_rivals(path):
            return known.quality, 0.0
    started = time.perf_counter()
    quality = make()
    seconds = time.perf_counter() - started
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_rivals([replace(rival, quality=quality, seconds=seconds)], path)
    return quality, seconds


def rival_path(
    instruments: Instruments, rival: Rival, workload: Workload, metrics: Sequence[str]
) -> Path:
    """The file of one rival's quality, named by a digest of all that its numbers depend on.

    Args:
        workload: whose images are measured; ``metrics``: besides the FIDs.
    """
    config, described = instruments.config, instruments.pool.description
    parts = {
        "fingerprint": described.fingerprint,
        "work": described.work.model_dump(mode="json", exclude={"model"}),
        "place": described.place.model_dump(mode="json"),
        "steps": config.model.num_inference_steps,
        "guidance": config.model.guidance_scale,
        "rival": [rival.scheduler, rival.steps, rival.effective, *rival.timesteps.values],
        "workload": [workload.prompts, workload.seed],
        "features": [instruments.network.name, instruments.network.digest],
        "real": None if instruments.real is None else _digest(instruments.real),
        "metrics": list(metrics),
        "scorers": [config.quality.clip_path, config.quality.lpips_path],
        "inputs": dict(model_inputs(instruments.folder)),
        "versions": {name: version(name) for name in LIBRARIES},
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
    return statistics_folder() / "rivals" / f"{digest}.json"


def _digest(real: Statistics) -> str:
    parts = (real.moments.mean, real.moments.covariance)
    digest = hashlib.sha256()
    for part in parts if real.features is None else (*parts, real.features):
        digest.update(part.contiguous().numpy().tobytes())
    return digest.hexdigest()
