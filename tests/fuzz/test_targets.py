"""Some hundred damaged files for each reader: success or an error of ours, in bounded time."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fuzz.mutations import damaged
from tests.fuzz.targets import Target, targets

NAMES = (
    "cost_table", "config", "space", "trials", "front", "reference", "calibration", "journal",
    "sqlite", "prompts", "coco", "imagenet", "inputs", "statistics", "features", "images",
    "run_id", "rivals", "members", "sampler",
)  # fmt: skip
FILES = {"sqlite": 20, "calibration": 100, "config": 50, "space": 50}
SECONDS = 5.0
"""For one file; a healthy one takes a few thousandths."""


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Target]:
    return targets(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::Warning")
def test_damage_never_escapes_as_a_foreign_error(
    readers: Mapping[str, Target], name: str, tmp_path: Path
) -> None:
    reader, source = readers[name], random.Random(name)
    assert all(reader.accepts(seed, tmp_path) for seed in reader.seeds)
    refused = 0
    for _ in range(FILES.get(name, 100)):
        started = time.process_time()
        refused += not reader.accepts(damaged(source.choice(reader.seeds), source), tmp_path)
        assert time.process_time() - started < SECONDS
    assert refused


def test_every_reader_is_tried(readers: Mapping[str, Target]) -> None:
    assert set(readers) == {"preset", *NAMES}
