"""What everything that a study prepares, tries and measures works with."""

from __future__ import annotations

from dataclasses import dataclass

from search.records.folder import StudyFolder
from search.settings import Config
from search.space import Space
from search.study.watching import StageWatcher
from search.workers.pool import Pool


@dataclass(frozen=True)
class Bench:
    """A study's settings and helpers, before anything is measured.

    Args:
        config: of the study.
        space: what it searches.
        folder: where files are kept.
        pool: generates images and measures.
        watcher: is told what is going on.
    """

    config: Config
    space: Space
    folder: StudyFolder
    pool: Pool
    watcher: StageWatcher
