"""The engine beside the unpatched pipeline, torch.compile, DeepCache and tomesd, in one process.

python -m experiments.engine.benchmark --suite cpu --minutes 8 --out cpu.json
python -m experiments.engine.benchmark --suite cuda --minutes 8 --out cuda.json

Random weights: the time of a call does not depend on their values. Contenders run in turn, round
after round, each on its own modules around the same weights. Times are of the denoising loop:
process CPU time of one thread on a CPU, CUDA events on a GPU.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import dato
from experiments.command import command
from experiments.engine import calls, machine, memory
from experiments.engine.arithmetic import implied
from experiments.engine.loops import Entry, race
from experiments.engine.pipelines import SharedUNet
from experiments.engine.suites import SUITES, Cell, Single
from search.records.writing import write_json


def main() -> None:
    options = _options()
    if options.device == "cpu":
        torch.set_num_threads(1)
    started = time.monotonic()
    suite = SUITES[options.suite]
    document: dict[str, Any] = {
        "command": f"python -m experiments.engine.benchmark --suite {options.suite} "
        f"--device {options.device} --repeats {options.repeats} --minutes {options.minutes:g}",
        "device": machine.device_name(options.device),
        "versions": machine.versions(),
        "clocks": {"before": machine.clocks(options.device)},
        "weights": "random",
        "singles": [],
        "cells": [],
    }
    for single in suite.singles:
        document["singles"].append(_single(single, options.device))
        write_json(options.out, document)
    left = 1.0
    end = started + 60 * options.minutes
    for cell in suite.cells:
        now = time.monotonic()
        deadline = now + max(0.0, end - now) * min(1.0, cell.share / left)
        left -= cell.share
        document["cells"].append(_cell(cell, options.device, options.repeats, deadline, end))
        document["clocks"]["after"] = machine.clocks(options.device)
        document["minutes"] = round((time.monotonic() - started) / 60, 1)
        write_json(options.out, document)


def _options() -> argparse.Namespace:
    parser = command(__doc__)
    gpu = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=("cpu", "cuda"), default=gpu)
    parser.add_argument("--suite", choices=tuple(SUITES), help="default: the device's own")
    parser.add_argument("--out", type=Path, default=Path("engine.json"), help="JSON file to write")
    parser.add_argument("--repeats", type=int, default=9, help="timed rounds of a cell, at most")
    parser.add_argument("--minutes", type=float, default=8, help="stop timing after this long")
    options = parser.parse_args()
    options.suite = options.suite or options.device
    return options


def _shared_unet(what: Cell | Single, device: str) -> SharedUNet:
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    return SharedUNet.of(what.architecture, what.batch, what.latent, device, dtype)


def _single(single: Single, device: str) -> dict[str, Any]:
    """Overhead, cached calls, memory and pruning of one denoiser; see ``calls`` and ``memory``."""
    shared = _shared_unet(single, device)
    record: dict[str, Any] = {
        **asdict(single),
        "null_overhead": calls.summary(calls.null_overhead(shared, single.rounds)),
    }
    if single.depths:
        depths = range(1, dato.topology(shared.unet).skip_branches + 1)
        record["cached_over_units"] = {
            depth: calls.summary(calls.cached(shared, depth, single.rounds)) for depth in depths
        }
        record["extra_bytes"] = memory.extra_bytes(shared, depths)
    if single.pruning:
        speedups = calls.pruning(shared, single.rounds)
        record["pruning_speedup"] = {ratio: calls.summary(all_) for ratio, all_ in speedups.items()}
    return record


def _cell(cell: Cell, device: str, repeats: int, deadline: float, end: float) -> dict[str, Any]:
    if time.monotonic() >= end:
        return {**asdict(cell), "failure": "no time left", "rows": []}
    shared = _shared_unet(cell, device)
    entries = race(shared, cell.contenders, cell.calls, repeats, deadline)
    rows = [_row(entry, entries[0], cell) for entry in entries]
    for row in rows:
        print(row["name"], row["decision"], row.get("speedup", row["failure"]), flush=True)
    return {**asdict(cell), "dtype": str(shared.unet.dtype), "rows": rows}


def _row(entry: Entry, baseline: Entry, cell: Cell) -> dict[str, Any]:
    """One contender; speed-ups are ratios within a round."""
    contender = entry.contender
    row: dict[str, Any] = {
        "name": contender.name,
        "decision": contender.decision,
        "failure": entry.failure,
        "warmup_s": round(entry.warmup_s, 2),
    }
    if contender.schedule is not None:
        row["implied"] = implied(cell.architecture, cell.latent, cell.calls, contender.schedule)
    if entry.seconds and baseline.seconds:
        ratios = [a / b for a, b in zip(baseline.seconds, entry.seconds, strict=True)]
        row["seconds"] = entry.seconds
        row["seconds_per_image"] = statistics.median(entry.seconds) / cell.batch
        row["speedup"] = statistics.median(ratios)
        row["low"], row["high"] = min(ratios), max(ratios)
    return row


if __name__ == "__main__":
    main()
