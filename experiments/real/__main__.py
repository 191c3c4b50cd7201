"""A whole sweep of full-size SD 1.5 with random weights, and what it used.

Qualities are distances in the embedded model's feature network between images of noise: they mean
nothing for real images. Rates, memory and times are real: they do not depend on the weights.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median

import torch

from dato.files import replace_text
from experiments.engine.machine import device_name, versions
from search.cli.main import main as dato_search
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.settings.compose import load_config

STUDY = 200
"""Trials of the study whose cost is extrapolated."""

SETTINGS = (
    "model=sd15", "model.weights=random", "model.device=cuda", "model.dtype=bfloat16",
    "model.batch_size=auto", "model.prompts=pocket", "quality=quick", "quality.real=none",
    "quality.objective=feature_distance", "quality.images=32", "quality.rung_images=16",
    "quality.heldout_images=32", "launcher=serial", "tracker=none", "budget.trials=20",
)  # fmt: skip
"""A study that later overrides change."""


@contextmanager
def sampled_use(device: str, period_s: float = 1.0) -> Iterator[list[float]]:
    """Percentages of time in which a kernel ran, asked of nvidia-smi; none without a GPU."""
    percentages: list[float] = []
    ended = threading.Event()

    def sample() -> None:
        command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while not ended.wait(period_s):
            try:
                shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                percentages.append(float(shown.splitlines()[0]))
            except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
                return

    thread = threading.Thread(target=sample, daemon=True)
    if device == "cuda":
        thread.start()
    try:
        yield percentages
    finally:
        ended.set()
        if device == "cuda":
            thread.join()


def figures(records: Sequence[TrialRecord]) -> dict[str, object]:
    """Rates and times of a study's trials, and what :data:`STUDY` trials would take."""
    ran = [record for record in records if record.images]
    if not ran:
        return {"trials": len(records), "trials_with_images": 0}
    work = sum(record.seconds - record.overhead_s for record in ran)
    images = sum(record.images for record in ran)
    seconds = sorted(record.seconds for record in ran)
    return {
        "trials": len(records),
        "trials_with_images": len(ran),
        "images": images,
        "images_per_second": images / work,
        "metric_share": sum(record.metric_s for record in ran) / work,
        "overhead_share": sum(record.overhead_s for record in ran) / sum(seconds),
        "trial_s": {"median": median(seconds), "least": seconds[0], "most": seconds[-1]},
        f"hours_of_{STUDY}_trials": STUDY * fmean(seconds) / 3600,
    }


def run(folder: Path, overrides: Sequence[str]) -> dict[str, object]:
    """Sweep into ``folder``; the record as plain data.

    Raises:
        SystemExit: the sweep failed.
    """
    started = time.perf_counter()
    arguments = [*SETTINGS, f"study.folder={folder}", *overrides]
    chosen = dict(override.partition("=")[::2] for override in arguments)
    device = chosen["model.device"].partition(":")[0]
    with sampled_use(device) as use:
        code = dato_search(["sweep", "--plain", *arguments])
    if code:
        raise SystemExit(code)
    config, result = load_config(folder / "config.yaml"), load_result(StudyFolder(folder))
    return {
        "meaning": "random weights: qualities mean nothing for real images",
        "device": device_name(device),
        "versions": versions(),
        "settings": {
            "model": config.model.model_dump(mode="json"),
            "objective": config.quality.objective,
            "images": config.quality.images,
            "seed": config.study.seed,
        },
        **figures(result.records),
        "gpu_use_percent": {"mean": fmean(use), "samples": len(use)} if use else None,
        "peak_memory_bytes": torch.cuda.max_memory_allocated() if device == "cuda" else None,
        "whole_sweep_s": time.perf_counter() - started,
        "cost_table_error": result.cost_table_error,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.real", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of the study, a new one")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of the record")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides")
    options = parser.parse_args()
    record = run(options.folder, options.overrides)
    replace_text(options.out, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
