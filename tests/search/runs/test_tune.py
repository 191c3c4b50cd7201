"""``dato-search tune`` writes a preset that the pipeline runs, and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import dato
from search.cli.main import main
from search.pocket import load_pipeline
from search.records.files import load_result
from search.records.folder import StudyFolder
from tests.search.cli.test_study_life import SMALL

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """Six calls; some are skipped."""
    folder = tmp_path_factory.mktemp("tuned") / "study"
    options = ("budget.trials=3", "launcher=serial", "rivals.count=1", "quality.record=[]")
    assert main(["sweep", "--plain", f"study.folder={folder}", *SMALL, *options]) == 0
    return StudyFolder(folder)


def test_a_member_becomes_a_preset_of_its_own(
    study: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_result(study)
    member = next(
        each.name
        for each in before.front
        if each.record.schedule
        and {kind.depth for kind in each.record.schedule.kinds.values()} == {0, "full"}
    )
    options = ["--iterations", "1", "--images", "4"]
    assert main(["tune", str(study.root), "--members", member, *options]) == 0
    out = capsys.readouterr().out
    assert "FID to unpatched" in out
    path = Path(out.strip().splitlines()[-1])
    assert path.name.startswith("tuned-")
    preset = dato.load_preset(path)
    assert preset.version == 4
    assert preset.schedule.tuned is not None
    assert preset.sampler.num_inference_steps == preset.schedule.calls
    pipe = dato.apply(load_pipeline(), preset)
    assert dato.explain(pipe) == f"{preset.schedule.calls} computed calls at tuned timesteps."
    assert load_result(study) == before


def test_an_unknown_member_and_too_small_numbers_are_refused(
    study: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune", str(study.root), "--members", "nobody"]) == 2
    assert "the front has no member 'nobody'" in capsys.readouterr().err
    assert main(["tune", str(study.root), "--iterations", "0"]) == 2
    assert "--iterations=0 is too small" in capsys.readouterr().err
