"""What a front is audited with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.records.folder import StudyFolder
from search.settings import Config


@dataclass(frozen=True)
class Heldout:
    """What the front is audited with.

    Args:
        images: held-out prompts; ``seed`` of those prompts and their noise.
        repeats: end-to-end times of each member.
        path: where the unpatched model's images of them are kept.
    """

    images: int
    seed: int
    repeats: int
    path: Path

    @classmethod
    def of(cls, config: Config, folder: StudyFolder) -> Heldout:
        """The audit that ends every sweep."""
        count, repeats = config.quality.heldout_images, config.latency.repeats
        return cls(count, config.study.seed, repeats, folder.heldout_images)
