"""How well the damage that was predicted from single calls ranks what whole trials measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import spearmanr

from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.sensitivity.table import Sensitivity


def damage_rank(
    folder: StudyFolder, records: Sequence[TrialRecord], objective: str
) -> float | None:
    """Spearman correlation of predicted damage and the minimised loss; ``None`` where nothing was
    measured."""
    if not folder.sensitivity.is_file():
        return None
    sensitivity = Sensitivity.load(folder.sensitivity)
    scored = {
        record.schedule: loss
        for record in records
        if record.schedule and record.quality
        if (loss := record.quality.loss(objective)) is not None
    }
    if len(scored) < 3:
        return None
    predicted = [sensitivity.total(schedule) for schedule in scored]
    rank = float(spearmanr(predicted, list(scored.values())).statistic)
    return rank if math.isfinite(rank) else None
