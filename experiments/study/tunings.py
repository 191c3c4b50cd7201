"""What tuning made of a recorded study's trials, as a table."""

from __future__ import annotations

from experiments.study.words import plain_run
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.result import StudyResult


def tuned(result: StudyResult) -> str:
    """What tuning made of trials, beside plain runs of as many calls, by FID to the unpatched
    images of the search; in Markdown, the most calls first."""
    lines = [
        "| calls | searched | tuned | best plain run of as many | its FID |",
        "|---:|---:|---:|---|---:|",
    ]
    trials = {record.number: record for record in result.records}
    records = [record for record in result.records if record.tuned_from and record.quality]
    for record in sorted(records, key=lambda record: -len(_steps(record))):
        assert record.tuned_from is not None
        rival = min(
            (each for each in result.rivals if each.calls == len(_steps(record))),
            key=lambda each: each.quality.fid_reference,
            default=None,
        )
        cells = (
            str(len(_steps(record))),
            _fid(trials[record.tuned_from.trial].quality),
            _fid(record.quality),
            "" if rival is None else plain_run(rival),
            "" if rival is None else _fid(rival.quality),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _steps(record: TrialRecord) -> tuple[str, ...]:
    assert record.schedule is not None
    return record.schedule.steps


def _fid(quality: Quality | None) -> str:
    return "" if quality is None else f"{quality.fid_reference:.4f}"
