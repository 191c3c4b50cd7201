"""A realistic study without a model: 200 trials whose FID grows as they get faster."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from dato import Kind, Schedule
from search.pareto import non_dominated
from search.records.folder import StudyFolder
from search.records.front import FrontMember, Timing
from search.records.members import member_names
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.result import StudyResult

CALLS = 50
BASE_LATENCY = 0.85
COLOURS = ("#c2453d", "#3a6fb0", "#e0b23c", "#4f9a62", "#7b519c", "#d97b34")


def make_schedule(rng: random.Random) -> Schedule:
    """A full call now and then, shallow or reused ones in between."""
    interval, depth = rng.choice([2, 3, 5, 8, 14, 25, 40]), rng.choice([1, 1, 2, 3])
    ratio = rng.choice([0.0, 0.3, 0.5, 0.7])
    kinds = {
        "full": Kind("full", {"level_0": ratio}),
        "shallow": Kind(depth, {"level_0": min(0.75, ratio + 0.2 * bool(ratio))}),
        "reuse": Kind(0),
    }
    steps = ["full"] + [
        "full" if rng.random() < 1 / interval else rng.choice(["shallow", "shallow", "reuse"])
        for _ in range(CALLS - 1)
    ]
    return Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, tuple(steps))


def make_trial(number: int, rng: random.Random) -> TrialRecord:
    """Trial 0 is the baseline; one in six stops early, one in twenty-five fails."""
    if number == 0:
        quality = Quality(18.42, 0.0, 0.0, 512)
        full = Schedule.full(CALLS)
        return TrialRecord(0, "complete", "baseline", {}, full, BASE_LATENCY, 1.0, 0.0, quality, 44)
    schedule = make_schedule(rng)
    cost = {"full": 1.0, "shallow": 0.16, "reuse": 0.004}
    share = sum(cost[step] for step in schedule.steps) / CALLS
    latency = BASE_LATENCY * share
    distance = 0.012 / share + rng.uniform(0, 0.05)
    drop = 9 * math.log(1 / share) ** 2 * rng.uniform(0.5, 1.6)
    params: dict[str, int | float | str] = {
        "interval": rng.randint(2, 14), "ratio": rng.choice([0.3, 0.5, 0.7]), "mode": "drift",
    }  # fmt: skip
    quality = Quality(17.2 + share + 0.6 * drop, 0.5 + drop, distance, 512)
    record = TrialRecord(
        number, "complete", "warmstart" if number < 9 else "sampler", params, schedule, latency,
        1 / share, distance, quality, 21.0, 0.3,
    )  # fmt: skip
    if rng.random() < 1 / 6:
        reason = "a trial of no more latency has a smaller distance"
        return replace(record, state="pruned", quality=None, reason=reason)
    if rng.random() < 1 / 25:
        reason = rng.choice(["images with NaN", "CUDA out of memory: tried to allocate 2.0 GiB"])
        return replace(record, state="fail", quality=None, distance=None, reason=reason)
    return record


def make_result(trials: int = 200, seed: int = 0, name: str = "pocket-joint") -> StudyResult:
    """A finished study with every front member audited."""
    rng = random.Random(seed)
    records = tuple(make_trial(number, rng) for number in range(trials))
    complete = [record for record in records if record.quality is not None]
    points = [(r.quality.fid_real, r.latency_s) for r in complete if r.quality and r.latency_s]
    chosen = sorted((complete[i] for i in non_dominated(points)), key=lambda r: r.speedup or 0)
    chosen = [record for record in chosen if record.number != 0]
    chosen = [chosen[index * (len(chosen) - 1) // 7] for index in range(8)]
    names = member_names([FrontMember("", record) for record in chosen])
    front = tuple(_second(record, name, rng) for record, name in zip(chosen, names, strict=True))
    return StudyResult(
        name=name,
        config={
            "study": {"name": name, "seed": 0},
            "model": {"id": "pocket", "scheduler": "DDIMScheduler", "num_inference_steps": 50},
            "quality": {"objective": "fid_real", "images": 512, "heldout_images": 1024},
            "tracker": {"kind": "wandb", "entity": None},
        },
        objective="fid_real",
        records=records,
        front=front,
        baseline=_second(records[0], "unpatched", rng),
        cost_table_error=0.018,
        device="AMD EPYC 7B13, 1 thread",
        versions={"dato": "0.1.0", "torch": "2.13.0", "diffusers": "0.42.0", "optuna": "5.0.0"},
        command="dato-search sweep space=joint budget.trials=200 study.name=pocket-joint",
    )


def _second(record: TrialRecord, name: str, rng: random.Random) -> FrontMember:
    assert record.latency_s
    assert record.speedup
    quality = record.quality
    assert quality
    heldout = replace(quality, fid_real=quality.fid_real * rng.uniform(0.94, 1.05), images=1024)
    factor = rng.uniform(0.97, 1.03) if record.number else 1.0
    timing = Timing(record.latency_s * factor, 0.004, 5)
    return FrontMember(name, record, heldout, timing, record.speedup / factor)


def draw_samples(result: StudyResult, folder: StudyFolder, columns: int = 6, rows: int = 2) -> None:
    """Grids of small scenes; a faster preset's shapes are a little off."""
    folder.samples.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(["unpatched", *(member.name for member in result.front)]):
        image = Image.new("RGB", (64 * columns, 64 * rows))
        draw = ImageDraw.Draw(image)
        rng = random.Random(7)
        for cell in range(columns * rows):
            x, y = 64 * (cell % columns), 64 * (cell // columns)
            back, front = rng.sample(COLOURS, 2)
            draw.rectangle((x, y, x + 64, y + 64), fill=back)
            off = index * rng.uniform(-1, 1)
            box = (x + 14 + off, y + 14, x + 50 + off, y + 50)
            (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=front)
        image.save(folder.samples / f"{name}.png")


def without_real(result: StudyResult) -> StudyResult:
    """The same study, had it compared with no real images."""
    assert result.baseline
    return replace(
        result,
        objective="fid_reference",
        records=tuple(map(_unreal_record, result.records)),
        front=tuple(map(_unreal, result.front)),
        baseline=_unreal(replace(result.baseline, audit=result.front[0].audit)),
    )


def _unreal(member: FrontMember) -> FrontMember:
    audit = member.audit and replace(member.audit, kid_real=None)
    heldout = member.heldout and replace(member.heldout, fid_real=math.nan)
    record = _unreal_record(member.record)
    return replace(member, record=record, heldout=heldout, audit=audit, interval=None)


def _unreal_record(record: TrialRecord) -> TrialRecord:
    quality = record.quality and replace(record.quality, fid_real=math.nan)
    return replace(record, quality=quality)


@pytest.fixture
def result() -> StudyResult:
    return make_result(trials=60)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder.create(tmp_path / "study")


@pytest.fixture
def with_samples() -> Callable[[StudyResult, StudyFolder], None]:
    return draw_samples
