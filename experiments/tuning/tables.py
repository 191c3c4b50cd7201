"""The table of what :mod:`experiments.tuning.transfer` recorded.

python -m experiments.tuning.tables
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SAMPLERS = {
    "tuned": "tuned",
    "planned full calls, straight lines": "straight lines",
    "DPM-Solver++ 2M, planned timesteps": "DPM-Solver++ 2M, planned",
    "DPM-Solver++ 2M": "DPM-Solver++ 2M",
    "UniPC": "UniPC",
}
"""What heads each column."""


def transfer(rows: Sequence[Mapping[str, Any]], calls: int) -> str:
    """Markdown: a line for each scale, the best of it in bold."""
    wanted = [row for row in rows if row["calls"] == calls]
    head = [f"{calls} calls, used at", *SAMPLERS.values()]
    lines = [head, ["---:"] * len(head)]
    for scale in sorted({row["scale"] for row in wanted}, reverse=True):
        mine = {row["sampler"]: row for row in wanted if row["scale"] == scale}
        least = min(row["fid_unpatched"] for row in mine.values())
        lines.append([f"{scale:g}", *(_cell(mine[name], least) for name in SAMPLERS)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(row: Mapping[str, Any], least: float) -> str:
    fid = row["fid_unpatched"]
    text = f"{fid:.{4 if fid < 0.1 else 3 if fid < 1 else 2}f}, {row['psnr']:.1f} dB"
    return f"**{text}**" if fid == least else text


def main() -> None:
    path = Path(__file__).parent / "transfer.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    for calls in dict.fromkeys(row["calls"] for row in rows):
        print(transfer(rows, calls), end="\n\n")


if __name__ == "__main__":
    main()
