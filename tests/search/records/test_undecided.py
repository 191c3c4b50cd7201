"""A faster member that more images may show to be no worse is named, with how to learn it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search.cli.closing import closing_lines
from search.metrics import FID_REAL_BOUND
from search.records.files import load_result
from search.records.findings import findings
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.result import StudyResult
from search.records.undecided import undecided, undecided_text
from search.settings.compose import compose_config

RECORDED = Path(__file__).parents[3] / "experiments" / "study" / "planned"


def study(estimate: float, bound: float) -> StudyResult:
    """The recorded study, whose fastest member is so far above the unpatched FID; the share of the
    FID, by the two as they are and at most."""
    result = load_result(StudyFolder(RECORDED))
    assert result.baseline is not None and result.baseline.heldout is not None
    base = result.baseline.heldout.fid_real

    def judged(member: FrontMember) -> FrontMember:
        if member is not fastest or member.heldout is None:
            return member
        metrics = {**member.heldout.metrics, FID_REAL_BOUND: base * (1 + bound)}
        quality = replace(member.heldout, fid_real=base * (1 + estimate), metrics=metrics)
        return replace(member, heldout=quality)

    fastest = max(
        (each for each in result.front if each.heldout), key=lambda m: m.timed_speedup or 0
    )
    return replace(result, front=tuple(map(judged, result.front)))


@pytest.mark.parametrize(("estimate", "bound"), [(0.005, 0.017), (-0.002, 0.015), (-0.035, 0.014)])
def test_a_faster_member_that_may_be_no_worse_is_named(estimate: float, bound: float) -> None:
    result = study(estimate, bound)
    member = undecided(result)
    assert member is not None
    said = f"{member.name} may be no worse too: at most {bound:.1%} above the unpatched one, where "
    assert (
        undecided_text(result) == said + "less than 1.3% counts. 256 images do not tell; 1024 may."
    )
    assert undecided_text(result) in findings(result)


@pytest.mark.parametrize(
    ("estimate", "bound"),
    [
        pytest.param(0.05, 0.08, id="it is worse"),
        pytest.param(0.0, 0.01, id="it is shown to be no worse"),
        pytest.param(0.01, 0.12, id="as many images again would not tell"),
    ],
)
def test_nothing_is_said_where_more_images_would_not_tell(estimate: float, bound: float) -> None:
    assert undecided(study(estimate, bound)) is None
    assert undecided_text(study(estimate, bound)) == ""


def test_where_nothing_is_shown_to_be_no_worse_the_headline_says_so_alone() -> None:
    result = study(0.005, 0.017)
    member = undecided(result)
    alone = replace(result, front=tuple(each for each in result.front if each is member))
    assert undecided(alone) == member
    assert undecided_text(alone) == ""
    assert "More images may show that it is" in findings(alone)[0]


def test_a_sweep_s_last_lines_have_the_command(tmp_path: Path) -> None:
    config = compose_config(["model=pocket", "tracker=none"])
    folder = StudyFolder(tmp_path)
    told, silent = (
        "\n".join(closing_lines(study(*shares), folder, config))
        for shares in ((0.005, 0.017), (0.05, 0.08))
    )
    member = undecided(study(0.005, 0.017))
    assert member is not None
    command = f"dato-search audit {tmp_path} --members {member.name} --images 1024"
    assert f"  judge:      {command}" in told
    assert "judge:" not in silent
