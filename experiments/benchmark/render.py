"""The benchmark's table and plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from experiments.benchmark.benchmark import Row

COLOURS = {
    "unpatched": "#444444",
    "DeepCache": "#d1495b",
    "tomesd": "#edae49",
    "uniform": "#8d99ae",
    "preset": "#00798c",
}


def table(rows: Sequence[Row]) -> str:
    """Markdown, in the order of ``rows``."""
    lines = [
        "| pipeline | FID to real | FID to unpatched | ms per image | speed-up (range) |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {row.fid_real:.2f} | {row.fid_reference:.2f} | "
        f"{1000 * row.latency_s:.0f} | {row.speedup:.2f} ({row.low:.2f} to {row.high:.2f}) |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def plot(rows: Sequence[Row], path: Path) -> None:
    """Speed-up against FID to the unpatched images, one colour a family."""
    figure, axes = plt.subplots(figsize=(7.5, 4.6), dpi=130, layout="constrained")
    for family, colour in COLOURS.items():
        own = [row for row in rows if row.family == family]
        axes.scatter(
            [row.speedup for row in own],
            [row.fid_reference for row in own],
            color=colour,
            s=46,
            label="dato, uniform" if family == "uniform" else family,
            zorder=3,
        )
        for row in own:
            axes.annotate(
                row.name,
                (row.speedup, row.fid_reference),
                textcoords="offset points",
                xytext=(6, 4),
                fontsize=7,
                color=colour,
            )
    axes.set_xlabel("speed-up of the denoising loop (higher is better)")
    axes.set_ylabel("FID to the unpatched images (lower is better)")
    axes.grid(alpha=0.25, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path)
    plt.close(figure)
