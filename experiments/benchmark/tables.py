"""The benchmark's table: every contender."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.benchmark.row import Row
from experiments.difference import difference


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
