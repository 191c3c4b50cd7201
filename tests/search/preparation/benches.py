"""A bench whose watcher remembers what it was told."""

from __future__ import annotations

from pathlib import Path

from search.preparation.bench import Bench
from search.records.folder import StudyFolder
from search.settings import Config
from search.space import load_space
from search.workers.pool import Pool


class RecordingWatcher:
    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)


def bench_of(
    config: Config, pool: Pool, folder: Path, watcher: RecordingWatcher | None = None
) -> Bench:
    """What a study of this configuration works with."""
    space = load_space(config.space)
    return Bench(config, space, StudyFolder(folder), pool, watcher or RecordingWatcher())
