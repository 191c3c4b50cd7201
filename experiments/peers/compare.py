"""All contenders on both models: blocks computed, PSNR to unpatched, time; in one process."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from torch import Tensor

from experiments.command import command, parsed, version
from experiments.peers.contenders import CONTENDERS
from experiments.peers.models import NAMES, STEPS, Model, counted, make, timed

RESULTS = Path(__file__).with_name("results.json")
PACKAGES = ("torch", "diffusers", "cache-dit")


def psnr(image: Tensor, reference: Tensor) -> float:
    """Of latents, in dB; the peak is the reference's range."""
    error = float((image - reference).square().mean())
    span = float(reference.max() - reference.min())
    return math.inf if error == 0 else 10 * math.log10(span**2 / error)


def row(model: Model, name: str, reference: Tensor, repeats: int) -> dict[str, Any]:
    """One contender; where it does not run on the model, why."""
    try:
        with CONTENDERS[name](model):
            with counted() as count:
                image = model.run()
            seconds = timed(model.run, repeats)
    except Exception as error:
        return {"name": name, "refused": f"{type(error).__name__}: {error}".splitlines()[0][:100]}
    return {
        "name": name,
        "blocks": count.attentions,
        "psnr": round(psnr(image, reference), 1),
        "seconds": round(seconds, 3),
    }


def compare(name: str, repeats: int) -> dict[str, Any]:
    """A table of one model."""
    model = make(name)
    with counted() as count:
        reference = model.run()
    rows: list[dict[str, Any]] = [
        {
            "name": "unpatched",
            "blocks": count.attentions,
            "seconds": round(timed(model.run, repeats), 3),
        }
    ]
    for contender in CONTENDERS:
        rows.append(row(make(name), contender, reference, repeats))
        print(rows[-1], flush=True)
    return {"model": name, "steps": STEPS, "rows": rows}


def markdown(tables: list[dict[str, Any]]) -> str:
    """The tables of a page."""
    lines = []
    for table in tables:
        unpatched = table["rows"][0]
        lines += ["", f"**{table['model']}**", "", HEAD, RULE]
        for each in table["rows"]:
            if "refused" in each:
                takes = "enable_cache" not in each["refused"]
                why = "fails on this model" if takes else "not offered for this model"
                lines.append(f"| {each['name']} | {why} | | | |")
                continue
            ratio = unpatched["seconds"] / each["seconds"]
            close = f"{each['psnr']:.1f}" if "psnr" in each else ""
            cells = (each["blocks"], close, f"{1000 * each['seconds']:.0f}", f"{ratio:.2f}")
            lines.append(f"| {each['name']} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines[1:])


HEAD = "| cache | blocks computed | PSNR, dB | CPU ms | speed-up |"
RULE = "|---|---:|---:|---:|---:|"


def main() -> None:
    """Write the results, and print them as a table."""
    parser = command(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parsed(parser)
    tables = [compare(name, options.repeats) for name in NAMES]
    record = {"versions": {name: version(name) for name in PACKAGES}, "tables": tables}
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(markdown(tables))


if __name__ == "__main__":
    main()
