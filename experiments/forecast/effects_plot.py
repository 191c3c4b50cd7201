"""The plot of what forecasts depend on: four panels, one for each question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from experiments.forecast.row import Row

TITLES = {
    "order": "How far to look back (even placements)",
    "fit": "Runs that a cut's weights are fitted from",
    "guidance": "Guidance scale (6 full calls of 50)",
    "steps": "Steps of the run (6 full calls)",
}
COLOURS = ("#bbbbbb", "#00798c", "#d1495b", "#edae49")


def plot(rows: Sequence[Row], path: Path) -> None:
    """FID to the unpatched images of the same setting, on a logarithmic axis."""
    figure, grid = plt.subplots(2, 2, figsize=(10, 7), dpi=110, layout="constrained")
    for axes, (part, title) in zip(grid.flat, TITLES.items(), strict=True):
        _panel(axes, [row for row in rows if row.part == part])
        axes.set_title(title, fontsize=10)
        axes.set_yscale("log")
        axes.set_ylabel("FID to unpatched")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path)
    plt.close(figure)


def _panel(axes: Axes, rows: Sequence[Row]) -> None:
    places = list(dict.fromkeys(row.at for row in rows if row.at))
    ways = list(dict.fromkeys(row.way for row in rows))
    for colour, way in zip(COLOURS, ways, strict=False):
        fids = {row.at: row.fid_unpatched for row in rows if row.way == way}
        if set(fids) == {""}:
            axes.axhline(fids[""], color=colour, linestyle="--", label=way)
        else:
            axes.plot(
                [place for place in places if place in fids],
                [fids[place] for place in places if place in fids],
                "o-",
                color=colour,
                label=way,
            )
