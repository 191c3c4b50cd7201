"""The plot of forecasts beside their rivals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from experiments.forecast.rivals import Row

LINES = {
    "DDIM": ("#8d99ae", "fewer DDIM steps"),
    "DPM-Solver++": ("#d1495b", "fewer DPM-Solver++ 2M steps"),
    "UniPC": ("#edae49", "fewer UniPC steps"),
    "every": ("#b08bbf", "reused or linear, evenly placed"),
    "planned": ("#00798c", "dato: planned calls, linear forecasts"),
}


def plot(rows: Sequence[Row], path: Path) -> None:
    """Computed calls against FID to the unpatched images, one line for each way."""
    figure, axes = plt.subplots(figsize=(7.5, 4.6), dpi=130, layout="constrained")
    for key, (colour, label) in LINES.items():
        own = [row for row in rows if _of(row, key)]
        own.sort(key=lambda row: row.computed)
        axes.plot(
            [row.computed for row in own],
            [row.fid_unpatched for row in own],
            "o-" if key != "every" else "o",
            color=colour,
            label=label,
        )
    axes.set_yscale("log")
    axes.set_xlabel("denoiser calls that are computed, of 50 (fewer is faster)")
    axes.set_ylabel("FID to the unpatched images (lower is better)")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path)
    plt.close(figure)


def _of(row: Row, key: str) -> bool:
    if key == "planned":
        return row.family == "planned"
    return row.name.startswith(key) and row.family != "unpatched"
