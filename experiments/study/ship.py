"""Choose three front members of an audited study and ship them as the pocket presets.

python -m experiments.study.ship studies/pocket-planned

All three were audited, so that what they carry was measured on held-out prompts and end to end.
``quality`` is the fastest whose images are as good as equal to the unpatched ones, ``balanced`` the
fastest that differs a little, ``fast`` the fastest whose FID to real images is above the unpatched
one's by no more than FID's own variation.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import dato
from dato import Preset
from search.launch.study_result import preset_header
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.records.names import slug
from search.records.record import FrontMember, StudyResult
from search.report.export import to_preset
from search.settings.compose import load_config

HERE = Path(__file__).parent
PRESETS = Path(dato.__file__).parent / "presets" / "pocket"
RECORDED = HERE / "planned"
RECORD = ("config.yaml", "cost_table.json", "trials.json", "front.json")

EQUAL_DB, CLOSE_DB = 44.0, 40.0
"""Mean PSNR to the unpatched images: errors of 1.6 and 2.6 of 255 levels."""

NO_WORSE = 1.013
"""FID to real images over the unpatched model's: FID's own coefficient of variation is 1 to 2 %."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
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
    assert result.baseline is not None
    assert result.baseline.heldout is not None
    limit = NO_WORSE * result.baseline.heldout.fid_real
    return {
        "quality": max(_closer(result, EQUAL_DB), key=_speedup),
        "balanced": max(_closer(result, CLOSE_DB), key=_speedup),
        "fast": max(
            (own for own in result.front if own.heldout and own.heldout.fid_real <= limit),
            key=_speedup,
        ),
    }


def _closer(result: StudyResult, decibels: float) -> list[FrontMember]:
    return [own for own in result.front if own.audit and own.audit.psnr >= decibels]


def _speedup(member: FrontMember) -> float:
    assert member.speedup is not None
    return member.speedup


def _line(preset: Preset) -> str:
    measured = preset.measured
    assert measured is not None
    return (
        f"{preset.name}: {measured.speedup:.2f}x, FID {measured.fid:.2f} "
        f"(unpatched {measured.baseline_fid:.2f}) on {measured.images} held-out images"
    )


if __name__ == "__main__":
    main()
