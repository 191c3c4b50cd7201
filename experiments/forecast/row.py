"""What experiments on forecasts record: a line for each schedule, and where it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from experiments.command import processor, versions
from experiments.forecast.world import SEED


@dataclass(frozen=True)
class Row:
    """One schedule.

    Args:
        part: the question; ``way``: the answer tried; ``at``: where, such as ``"6 full calls"``.
    """

    part: str
    way: str
    at: str
    fid_unpatched: float


def record(experiment: str, images: int, rows: Sequence[Row]) -> dict[str, object]:
    """The file of an experiment.

    Args:
        experiment: its module, such as ``"experiments.forecast.rivals"``.
    """
    return {
        "command": f"python -m {experiment} --images {images}",
        "machine": f"{processor()}, one thread",
        "seed": SEED,
        "images": images,
        "versions": versions("torch", "diffusers"),
        "rows": [asdict(row) for row in rows],
    }
