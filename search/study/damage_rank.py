"""How well the damage that a calibration predicts ranks what whole trials measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import spearmanr

from search.calibration.damage import damage
from search.calibration.table import Calibration
from search.records.folder import StudyFolder
from search.records.quality import loss_of
from search.records.record import TrialRecord


def damage_rank(
    folder: StudyFolder, records: Sequence[TrialRecord], objective: str
) -> float | None:
    """Spearman correlation of predicted damage and the minimised loss; ``None`` where nothing was
    measured. Trials on other bases, which have calibrations of their own, do not count."""
    path = folder.calibration
    if not path.is_file():
        return None
    calibration = Calibration.load(path)
    scored = {
        record.schedule: loss
        for record in records
        if record.schedule and record.base is None
        if (loss := loss_of(record.quality, objective)) is not None
    }
    if len(scored) < 3:
        return None
    predicted = [damage(calibration, schedule) for schedule in scored]
    rank = float(spearmanr(predicted, list(scored.values())).statistic)
    return rank if math.isfinite(rank) else None
