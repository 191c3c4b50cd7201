"""Writes docs/engine-benchmark.md from the recorded results.

python -m experiments.engine.render
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dato.files import replace_text

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[2] / "docs" / "engine-benchmark.md"
_HEAD = """# The engine beside others

Made by `python -m experiments.engine.render` from `experiments/engine/results/`;
`experiments/engine/README.md` says how it is measured.

Weights are random: the time of a call does not depend on their values. Every speed-up is the median
of ratios to the unpatched pipeline within a round, with the smallest and largest in brackets.
*Arithmetic* is the speed-up that the number of floating-point operations implies.
"""


def page(documents: list[dict[str, Any]]) -> str:
    """The whole page, one section for each result file."""
    return "\n".join([_HEAD, *(_section(document) for document in documents)])


def _section(document: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in document["versions"].items())
    clocks = "; ".join(
        f"{moment}: " + ", ".join(f"{name} {value}" for name, value in values.items())
        for moment, values in document["clocks"].items()
    )
    lines = [
        f"## {document['device']}",
        "",
        f"`{document['command']}` ran {document.get('minutes', 0)} minutes. {versions}.",
        f"Clocks {clocks}.",
        "",
    ]
    for cell in document["cells"]:
        lines += _cell(cell)
    for single in document["singles"]:
        lines += _single(single)
    return "\n".join(lines)


def _cell(cell: dict[str, Any]) -> list[str]:
    size = f"{cell['latent']} x {cell['latent']} latents, batch {cell['batch']}"
    lines = [f"### {cell['architecture']}, {size}, {cell['calls']} calls with guidance", ""]
    if cell.get("failure"):
        return [*lines, f"Not run: {cell['failure']}.", ""]
    lines += [
        "| pipeline | what is skipped | ms per image | speed-up (range) | arithmetic |",
        "|---|---|---:|---:|---:|",
    ]
    for row in cell["rows"]:
        implied = f"{row['implied']:.2f}" if "implied" in row else ""
        if "speedup" not in row:
            measured = f" | not run: {row['failure'] or 'nothing to compare with'}"
        else:
            spread = f"({row['low']:.2f} to {row['high']:.2f})"
            measured = f"{1000 * row['seconds_per_image']:.0f} | {row['speedup']:.2f} {spread}"
        lines.append(f"| {row['name']} | {row['decision']} | {measured} | {implied} |")
    count = max(len(row.get("seconds", ())) for row in cell["rows"])
    return [*lines, "", f"{count} {'round' if count == 1 else 'rounds'}.", ""]


def _single(single: dict[str, Any]) -> list[str]:
    size = f"{single['latent']} x {single['latent']} latents, batch {single['batch']}"
    overhead = _percent(single["null_overhead"])
    lines = [
        f"### {single['architecture']}, {size}: single calls",
        "",
        f"Medians (and quartiles) of {single['rounds']} rounds. A full call under a null schedule "
        f"takes {overhead} more than the unpatched call.",
        "",
    ]
    if "cached_over_units" in single:
        lines += [
            "| depth | cached call above its units timed alone | extra peak memory, KiB |",
            "|---:|---:|---:|",
        ]
        lines += [
            f"| {depth} | {_percent(spread)} | {single['extra_bytes'][depth] / 1024:.0f} |"
            for depth, spread in single["cached_over_units"].items()
        ]
        lines.append("")
    if "pruning_speedup" in single:
        lines += ["| ratio pruned | speed-up of a full call |", "|---:|---:|"]
        lines += [
            f"| {ratio} | {each['median']:.3f} ({each['low']:.3f} to {each['high']:.3f}) |"
            for ratio, each in single["pruning_speedup"].items()
        ]
        lines.append("")
    return lines


def _percent(ratio: dict[str, float]) -> str:
    """A ratio's excess over one."""
    low, middle, high = (100 * (ratio[name] - 1) for name in ("low", "median", "high"))
    return f"{middle:.1f} % ({low:.1f} to {high:.1f})"


def main() -> None:
    paths = sorted(RESULTS.glob("*.json"), reverse=True)
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    replace_text(PAGE, page(documents))


if __name__ == "__main__":
    main()
