"""A whole study, as it is shown and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search.records.front import FrontMember
from search.records.record import TrialRecord
from search.records.rival import Rival


@dataclass(frozen=True)
class StudyResult:
    """Everything the report, the tracker and the terminal show about one study.

    Args:
        name: study name.
        config: the resolved configuration as plain data.
        objective: name of the metric that was minimised, as its loss.
        records: all trials, by number; ``records[0]`` is the unpatched baseline.
        front: non-dominated members, slowest first.
        baseline: the unpatched pipeline, audited (name ``"unpatched"``).
        cost_table_error: mean relative error of the cost table against end-to-end times;
            ``cost_table_worst``: the largest.
        damage_rank: Spearman correlation of predicted damage and FID over complete trials; ``None``
            where nothing was calibrated.
        rivals: the unpatched model with fewer steps, slowest first.
        device: device name; ``versions``: library versions by name.
        command: command that started the study.
    """

    name: str
    config: Mapping[str, object]
    objective: str
    records: tuple[TrialRecord, ...]
    front: tuple[FrontMember, ...]
    baseline: FrontMember | None
    cost_table_error: float | None
    device: str
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    damage_rank: float | None = None
    cost_table_worst: float | None = None
    rivals: tuple[Rival, ...] = ()
