"""A study that maximises another metric, bounds a second and records a third."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.cli.main import main
from search.records.files import load_result
from search.records.folder import StudyFolder
from tests.search.cli.test_families import sweep
from tests.search.quality.tiny_clip import save_clip


def test_a_study_of_ssim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "study"
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a b\nb c\nc d\nd a\na a\nb b\n")
    code = sweep(
        study,
        model="sd15",
        model__weights="tiny",
        model__prompts=prompts,
        model__device="cpu",
        model__dtype="float32",
        quality__objective="ssim",
        quality__record="[kid_reference,clip_score]",
        quality__clip_path=save_clip(tmp_path / "clip"),
        constraints__psnr=">=1",
        budget__trials=3,
        warmstart__count=2,
    )
    assert code == 0, capsys.readouterr().err
    result = load_result(StudyFolder(study))
    complete = [record for record in result.records if record.quality]
    asked = {"ssim", "kid_reference", "clip_score", "psnr"}
    assert result.objective == "ssim" and len(complete) > 1
    for record in complete:
        assert record.quality is not None and set(record.quality.metrics) == asked
        assert set(record.violations) == {"psnr"}
    unpatched = result.records[0]
    assert unpatched.value("ssim") == pytest.approx(1) and unpatched.value("psnr")
    (audited,) = (member for member in result.front if member.audit)
    assert audited.audit is not None and audited.audit.interval is not None
    assert audited.heldout is not None and set(audited.heldout.metrics) == asked
    shown = capsys.readouterr().out
    assert all(title in shown for title in ("SSIM", "CLIP", "PSNR", "KID ref."))
    page = (study / "report.html").read_text(encoding="utf-8")
    assert "Higher SSIM is better" in page and "CLIP" in page
    assert main(["front", "--json", str(study)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["ssim"] for row in rows} == {member.record.value("ssim") for member in result.front}
