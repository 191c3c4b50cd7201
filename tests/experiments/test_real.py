"""The GPU record's script, on a CPU at reduced width: that it runs, not what it measures."""

from __future__ import annotations

import json
from pathlib import Path

from experiments.real.__main__ import STUDY, figures, run
from search.records.record import TrialRecord

TINY = (
    "model.weights=tiny", "model.device=cpu", "model.dtype=float32", "model.batch_size=auto",
    "model.num_inference_steps=4", "quality.images=4", "quality.rung_images=2",
    "quality.heldout_images=2", "quality.heldout_members=1", "latency.repeats=1",
    "latency.budget_s=0.1", "latency.check_schedules=0", "budget.trials=3", "warmstart.count=2",
    "tune=off",
)  # fmt: skip


def test_a_sweep_without_weights_leaves_a_record(tmp_path: Path) -> None:
    record = run(tmp_path / "study", TINY)
    assert record["trials"] == 3
    assert isinstance(record["images_per_second"], float) and record["images_per_second"] > 0
    assert record["gpu_use_percent"] is record["peak_memory_bytes"] is None
    assert "mean nothing" in str(record["meaning"])
    assert json.loads(json.dumps(record, allow_nan=False))["settings"]["model"]["batch_size"] == 2


def test_the_study_s_cost_is_that_of_its_mean_trial() -> None:
    records = [
        TrialRecord(0, "complete", "baseline", {}, seconds=99.0),  # made no image
        TrialRecord(1, "complete", "sampler", {}, seconds=10, overhead_s=2, metric_s=4, images=16),
        TrialRecord(2, "pruned", "sampler", {}, seconds=8.0, images=16),
    ]
    found = figures(records)
    assert found["images_per_second"] == 2
    assert found["metric_share"] == 0.25
    assert found[f"hours_of_{STUDY}_trials"] == STUDY * 9 / 3600
    assert figures(records[:1])["trials_with_images"] == 0
