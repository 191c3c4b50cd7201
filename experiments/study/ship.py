"""Choose three front members of an audited study and ship them as the pocket presets.

python -m experiments.study.ship studies/pocket-planned

All three were audited, so that what they carry was measured on held-out prompts and end to end.
Each is the fastest member that no rival dominates and that: ``quality``, looks equal to the
unpatched images; ``balanced``, has an FID to real images no worse than the unpatched one, by the
paired bound; ``fast``, shows what the captions say.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dato
from dato import Preset
from experiments.command import command
from experiments.study.recorded import RECORDED
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.records.members import no_worse
from search.records.names import slug
from search.records.record import FrontMember, StudyResult
from search.records.rivals import exported
from search.report.export import to_preset
from search.runs.result import preset_header
from search.settings.compose import load_config

PRESETS = Path(dato.__file__).parent / "presets" / "pocket"
RECORD = ("config.yaml", "cost_table.json", "trials.json", "front.json")

EQUAL_DB = 44.0
"""Mean PSNR to the unpatched images: an error of 1.6 of 255 levels."""

SHOWN = 0.99
"""Caption accuracy over the unpatched model's."""


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("study", type=Path)
    folder = StudyFolder.open(parser.parse_args().study)
    result = load_result(folder)
    config = load_config(folder.config)
    model, sampler, created = preset_header(config, folder, result)
    for name, member in choose(result).items():
        preset = to_preset(
            result, member, slug(name), model=model, sampler=sampler, created=created
        )
        preset = replace(preset, name=f"pocket/{name}")
        preset.save(PRESETS / f"{name}.json")
        print(_line(preset))
    for record in RECORD:
        shutil.copy(folder.root / record, RECORDED / record)


def choose(result: StudyResult) -> dict[str, FrontMember]:
    """The members to ship, by preset name."""
    base = result.baseline
    assert base is not None and base.heldout is not None
    shown = SHOWN * base.heldout.metrics["caption_accuracy"]
    audited = [
        member for member in exported(result, dominated=False) if member.heldout and member.audit
    ]
    rules: dict[str, Callable[[FrontMember], bool]] = {
        "quality": lambda member: member.audit is not None and member.audit.psnr >= EQUAL_DB,
        "balanced": lambda member: no_worse(member, base),
        "fast": lambda member: (
            member.heldout is not None and member.heldout.metrics["caption_accuracy"] >= shown
        ),
    }
    return {name: max(filter(rule, audited), key=_speedup) for name, rule in rules.items()}


def _speedup(member: FrontMember) -> float:
    assert member.speedup is not None
    return member.speedup


def _line(preset: Preset) -> str:
    measured = preset.measured
    assert measured is not None
    return (
        f"{preset.name}: {measured.speedup:.2f}x, FID {measured.fid:.4g} "
        f"(unpatched {measured.baseline_fid:.4g}) on {measured.images} held-out images"
    )


if __name__ == "__main__":
    main()
