"""A sweep on a pipeline folder of every family, given by nothing but its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.cli.main import main
from search.model.loading import ModelConfig, load_pipeline
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.settings.model import ArchitectureName

SMALL = {
    "model.num_inference_steps": 4,
    "model.batch_size": 2,
    "quality.real": "none",
    "quality.features": "pocket",
    "quality.images": 4,
    "quality.rung_images": 2,
    "quality.heldout_images": 2,
    "quality.heldout_members": 1,
    "latency.repeats": 1,
    "latency.budget_s": 0.1,
    "latency.check_schedules": 0,
    "budget.trials": 2,
    "warmstart.count": 1,
    "tune.members": 0,
    "tracker": "none",
    "launcher": "serial",
}


def sweep(study: Path, **overrides: object) -> int:
    values = (
        SMALL | {"study.folder": study} | {k.replace("__", "."): v for k, v in overrides.items()}
    )
    return main(["sweep", "--plain", *(f"{key}={value}" for key, value in values.items())])


@pytest.mark.parametrize(
    ("name", "scheduler"),
    [
        ("sd15", "PNDMScheduler"),
        pytest.param("sd21", "DDIMScheduler", marks=pytest.mark.slow),
        pytest.param("sdxl", "EulerDiscreteScheduler", marks=pytest.mark.slow),
        ("pixart", "DPMSolverMultistepScheduler"),
    ],
)
def test_a_sweep_by_path(name: ArchitectureName, scheduler: str, tmp_path: Path) -> None:
    folder, study = tmp_path / "pipeline", tmp_path / "study"
    built = ModelConfig(weights="tiny", architecture=name, scheduler=scheduler)
    load_pipeline(built).save_pretrained(folder)
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a red circle\nTwo cats, on a mat\nsnow\na blue square\n")
    code = sweep(
        study,
        model="custom",
        model__path=folder,
        model__prompts=prompts,
        model__scheduler=scheduler,
    )
    assert code == 0
    result = load_result(StudyFolder(study))
    assert [record.origin for record in result.records] == ["baseline", "sampler"]
    assert result.records[0].state == "complete"
    assert result.records[1].state in ("complete", "pruned")
    assert (study / "samples" / "unpatched.png").is_file()


def test_a_sweep_without_weights(tmp_path: Path) -> None:
    study = tmp_path / "study"
    overrides = {"model": "sd15", "model__weights": "tiny", "model__prompts": "pocket"}
    place = {"model__device": "cpu", "model__dtype": "float32"}
    assert sweep(study, **overrides, **place) == 0
    assert load_result(StudyFolder(study)).baseline is not None


def test_missing_weights_say_what_to_download_and_where_it_was_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    assert sweep(study, model="sdxl", model__prompts="pocket", model__device="cpu") == 2
    message = capsys.readouterr().err
    assert "hf download stabilityai/stable-diffusion-xl-base-1.0" in message
    assert "HF_HUB_CACHE" in message
    assert "HF_HUB_OFFLINE is set" in message
    assert "Traceback" not in message
    assert not (study / "config.yaml").exists()
