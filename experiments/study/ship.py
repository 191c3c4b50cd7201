"""Choose three front members of a finished study and ship them as the pocket presets.

python -m experiments.study.ship studies/pocket-full

All three come from the members that were audited, so that what they carry was measured on
held-out prompts and end to end. ``quality`` is the one closest to the reference of those at least
twice as fast as the unpatched pipeline, ``fast`` the fastest whose FID to real images lies inside
the unpatched one's interval, ``balanced`` the knee of the members in between.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import dato
from dato import Preset
from search.launch.study_result import preset_header
from search.pareto import knee
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.records.names import slug
from search.records.record import FrontMember, StudyResult
from search.report.export import to_preset
from search.settings.compose import load_config

HERE = Path(__file__).parent
PRESETS = Path(dato.__file__).parent / "presets" / "pocket"
RECORD = ("config.yaml", "cost_table.json", "trials.json", "front.json")


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
        shutil.copy(folder.root / record, HERE / record)


def choose(result: StudyResult) -> dict[str, FrontMember]:
    """The members to ship, by preset name."""
    assert result.baseline is not None
    assert result.baseline.interval is not None
    limit = result.baseline.interval[1]
    quick = [
        member
        for member in result.front
        if member.heldout is not None and _speedup(member) >= 2 and member.heldout.fid_real <= limit
    ]
    fast = max(quick, key=_speedup)
    rest = [member for member in quick if member is not fast]
    quality = min(rest, key=_damage)
    between = [member for member in rest if member is not quality]
    points = [(1 / _speedup(member), _damage(member)) for member in between]
    return {"quality": quality, "balanced": between[knee(points)], "fast": fast}


def _speedup(member: FrontMember) -> float:
    assert member.speedup is not None
    return member.speedup


def _damage(member: FrontMember) -> float:
    assert member.heldout is not None
    return member.heldout.fid_reference


def _line(preset: Preset) -> str:
    measured = preset.measured
    assert measured is not None
    return (
        f"{preset.name}: {measured.speedup:.2f}x, FID {measured.fid:.2f} "
        f"(unpatched {measured.baseline_fid:.2f}) on {measured.images} held-out images"
    )


if __name__ == "__main__":
    main()
