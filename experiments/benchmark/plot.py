"""The benchmark's plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from experiments.benchmark.row import Row

FAMILIES = {
    "fewer DDIM steps": ("#8d99ae", "o-"),
    "fewer DPM-Solver++ 2M steps": ("#d1495b", "o-"),
    "fewer UniPC steps": ("#edae49", "o-"),
    "DPM-Solver++ 2M, planned timesteps": ("#a23b72", "o--"),
    "DeepCache": ("#b08bbf", "s"),
    "tomesd": ("#7a6c5d", "s"),
    "reuse": ("#bbbbbb", "x"),
    "linear": ("#6fb1a0", "x"),
    "fitted": ("#3d6b9e", "x"),
    "planned": ("#00798c", "o-"),
    "preset": ("#003844", "*"),
}
"""Colour and marker of each family of rows but the unpatched one; those of one knob are lines."""


def plot(rows: Sequence[Row], path: Path) -> None:
    """Speed-up against FID to the unpatched images, and against FID to real ones."""
    figure, both = plt.subplots(1, 2, figsize=(11, 4.8), dpi=120, layout="constrained")
    _draw(both[0], rows, lambda row: row.fid_reference)
    both[0].set_ylabel("FID to the unpatched images (lower is better)")
    both[0].set_yscale("log")
    _draw(both[1], rows, lambda row: 100 * row.worse)
    both[1].set_ylabel("FID to real images, % above the unpatched one")
    both[1].axhline(0, color="#444444", linewidth=0.8)
    both[1].set_ylim(-5, 20)
    for axes in both:
        axes.set_xlabel("speed-up of the denoising loop, timed (higher is better)")
        axes.grid(alpha=0.25, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
    both[0].legend(frameon=False, fontsize=8)
    figure.savefig(path)
    plt.close(figure)


def _draw(axes: Axes, rows: Sequence[Row], height: Callable[[Row], float]) -> None:
    for family, (colour, marker) in FAMILIES.items():
        members = sorted((row for row in rows if row.family == family), key=lambda row: row.speedup)
        axes.plot(
            [row.speedup for row in members],
            [height(row) for row in members],
            marker,
            color=colour,
            label=_label(family),
            markersize=11 if family == "preset" else 6,
            zorder=4 if family in ("planned", "preset") else 3,
        )


def _label(family: str) -> str:
    words = {
        "reuse": "output reused, evenly",
        "linear": "output linear, evenly",
        "fitted": "linear, with a fitted shallow call halfway",
        "planned": "output linear, planned calls",
        "preset": "shipped presets",
    }
    return words.get(family, family)
