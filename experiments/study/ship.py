"""Choose three front members of an audited study and ship them as their model's presets.

python -m experiments.study.ship studies/pocket-planned

All three were audited, so that what they carry was measured on held-out prompts and end to end.
``balanced`` is the study's headline. The others are the fastest members that no rival dominates
and that: ``quality``, look equal to the unpatched images; ``fast``, show what the captions say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dato
from dato import Preset
from dato.files import replace_text
from experiments.command import command
from experiments.study.recorded import RECORDED
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.headline import headline
from search.records.names import slug
from search.records.result import StudyResult
from search.records.rivals import exported
from search.report.export import sampler_of, to_preset
from search.runs.result import preset_header
from search.settings.compose import load_config

PRESETS = Path(dato.__file__).parent / "presets"
RECORD = ("config.yaml", "cost_table.json", "trials.json", "front.json")

EQUAL_DB = 48.0
"""Mean PSNR to the unpatched images: an error of 1.0 of 255 levels."""

SHOWN = 0.99
"""Caption accuracy over the unpatched model's."""


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("study", type=Path)
    folder = StudyFolder.open(parser.parse_args().study)
    result = load_result(folder)
    config = load_config(folder.config)
    model, sampler, created = preset_header(config, folder, result)
    shipped, kept = PRESETS / model.id, RECORDED[model.id]
    for path in (shipped, kept):
        path.mkdir(exist_ok=True)
    for name, member in choose(result).items():
        runs_on = sampler_of(member.record, sampler, records=result.records)
        preset = to_preset(
            result, member, slug(name), model=model, sampler=runs_on, created=created
        )
        preset = replace(preset, name=f"{model.id}/{name}")
        preset.save(shipped / f"{name}.json")
        print(_line(preset))
    for record in RECORD:
        text = (folder.root / record).read_text("utf-8")
        # Where the study lay is a path of one machine.
        replace_text(
            kept / record, text.replace(str(config.study.folder), f"studies/{result.name}")
        )


def choose(result: StudyResult) -> dict[str, FrontMember]:
    """The members to ship, by preset name."""
    base = result.baseline
    assert base is not None and base.heldout is not None
    shown = SHOWN * base.heldout.metrics["caption_accuracy"]
    audited = [
        member for member in exported(result, dominated=False) if member.heldout and member.audit
    ]
    balanced = headline(result).member
    assert balanced is not None

    def fastest(rule: Callable[[FrontMember], bool]) -> FrontMember:
        return max(filter(rule, audited), key=_speedup)

    return {
        "quality": fastest(
            lambda member: member.audit is not None and member.audit.psnr >= EQUAL_DB
        ),
        "balanced": balanced,
        "fast": fastest(
            lambda member: (
                member.heldout is not None and member.heldout.metrics["caption_accuracy"] >= shown
            )
        ),
    }


def _speedup(member: FrontMember) -> float:
    assert member.timed_speedup is not None
    return member.timed_speedup


def _line(preset: Preset) -> str:
    measured = preset.measured
    assert measured is not None
    return (
        f"{preset.name}: {measured.speedup:.2f}x, FID {measured.fid:.4g} "
        f"(unpatched {measured.baseline_fid:.4g}) on {measured.images} held-out images"
    )


if __name__ == "__main__":
    main()
