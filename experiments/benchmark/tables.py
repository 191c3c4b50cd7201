"""The benchmark's tables: every contender, and those that the README shows."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.benchmark.row import Row
from experiments.difference import difference

SHOWN = {
    "DDIM, 8 steps": "8 DDIM steps",
    "DPM-Solver++ 2M, 8 steps": "8 steps of DPM-Solver++ 2M",
    "UniPC, 8 steps": "8 steps of UniPC",
    "DPM-Solver++ 2M, 8 steps, planned timesteps": (
        "8 steps of DPM-Solver++ 2M at planned timesteps"
    ),
    "DeepCache, every 10, branch 0": "DeepCache, every 10 calls",
    "pocket/quality": "**`pocket/quality`**",
    "output linear, 8 planned full calls": (
        "**8 full calls where a calibration plans them, no search**"
    ),
    "DDIM, 5 steps": "5 DDIM steps",
    "DPM-Solver++ 2M, 5 steps": "5 steps of DPM-Solver++ 2M",
    "UniPC, 5 steps": "5 steps of UniPC",
    "DPM-Solver++ 2M, 5 steps, planned timesteps": (
        "5 steps of DPM-Solver++ 2M at planned timesteps"
    ),
    "output linear, 5 planned full calls": "**5 planned full calls, no search**",
    "pocket/balanced": "**`pocket/balanced`**",
    "UniPC, 4 steps": "4 steps of UniPC",
    "pocket/fast": "**`pocket/fast`**",
}
"""Rows of the README by the names of the contenders."""


def table(rows: Sequence[Row]) -> str:
    """Markdown, in the order of ``rows``."""
    lines = [
        "| pipeline | speed-up (range) | ms per image | FID to unpatched | PSNR | FID to real |"
        " difference to unpatched (95 % bound) | captions right |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {row.speedup:.2f} ({row.low:.2f} to {row.high:.2f}) | "
        f"{1000 * row.latency_s:.0f} | {_reference(row)} | {_decibels(row)} | "
        f"{row.fid_real:.3f} | {difference(row.worse, row.bound)} | {row.captions:.1%} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _reference(row: Row) -> str:
    return "0" if row.family == "unpatched" else f"{row.fid_reference:.3g}"


def _decibels(row: Row) -> str:
    return "equal" if row.family == "unpatched" else f"{row.psnr:.1f}"


def summary(rows: Sequence[Row]) -> str:
    """The README's table, in Markdown."""
    named = {row.name: row for row in rows}
    lines = [
        "| instead of 50 DDIM steps | speed-up | FID to unpatched | PSNR |"
        " FID to real, over unpatched (95 % bound) | captions right |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {title} | {row.speedup:.1f}x | {_reference(row)} | {_decibels(row)} | "
        f"{difference(row.worse, row.bound)} | {row.captions:.0%} |"
        for name, title in SHOWN.items()
        for row in (named[name],)
    ]
    return "\n".join(lines) + "\n"
