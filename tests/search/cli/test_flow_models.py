"""Flow-matching models, from a sweep without weights to a compiled preset."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import dato
from dato.denoisers.registry import denoiser_of
from search.calibration.table import Calibration
from search.cli.main import main
from search.model.generator import Generator
from search.model.loading import ModelConfig, load_pipeline
from search.model.workload import Workload
from search.records.files import load_result
from search.records.folder import StudyFolder
from search.settings.model import ArchitectureName
from tests.search.cli.test_families import sweep

FLOW = "FlowMatchEulerDiscreteScheduler"


@pytest.mark.parametrize("name", ["sd35-medium", pytest.param("flux-dev", marks=pytest.mark.slow)])
def test_a_sweep_an_audit_presets_and_a_compiled_run(
    name: ArchitectureName, tmp_path: Path
) -> None:
    study, prompts = tmp_path / "study", tmp_path / "prompts.txt"
    prompts.write_text("a red circle\nTwo cats, on a mat\nsnow\na blue square\n")
    here = {"model__weights": "tiny", "model__device": "cpu", "model__dtype": "float32"}
    steps = {"model__num_inference_steps": 6, "budget__trials": 2, "rivals__count": 1}
    every = {"export__dominated": "true"}
    assert sweep(study, model=name, model__prompts=prompts, **here, **steps, **every) == 0
    calibration = Calibration.load(StudyFolder(study).calibration)
    assert calibration.path is not None
    assert main(["audit", str(study), "--images", "4", "--repeats", "1"]) == 0
    found = sorted((study / "presets").glob("*.json"))
    assert found
    pipe = load_pipeline(ModelConfig(weights="tiny", architecture=name))
    scale = dato.load_preset(found[-1]).sampler.guidance_scale
    model = ModelConfig(num_inference_steps=6, guidance_scale=scale, batch_size=2)
    generator = Generator(model, Workload(("a red circle", "snow"), 3), pipe=pipe)
    preset = dato.load_preset(found[-1])
    assert preset.model.id == name
    assert preset.model.latent_size == generator.latent_size
    with dato.applied(pipe, preset):
        expected = generator.loop(0)
        warmup = dato.compile(pipe, backend="eager", fullgraph=True)
        for _ in range(3):
            assert torch.equal(generator.loop(0), expected)
    assert "forward" not in vars(denoiser_of(pipe))
    assert str(warmup)


@pytest.mark.parametrize("name", ["sd35-medium", pytest.param("flux-dev", marks=pytest.mark.slow)])
def test_a_sweep_on_a_saved_folder_takes_a_path_and_prompts(
    name: ArchitectureName, tmp_path: Path
) -> None:
    folder, prompts, study = (tmp_path / part for part in ("pipeline", "prompts.txt", "study"))
    built = ModelConfig(weights="tiny", architecture=name, scheduler=FLOW)
    load_pipeline(built).save_pretrained(folder)
    prompts.write_text("a red circle\nTwo cats, on a mat\nsnow\na blue square\n")
    here = {"model__device": "cpu", "model__dtype": "float32", "rivals": "off"}
    assert sweep(study, model=name, model__path=folder, model__prompts=prompts, **here) == 0
    records = load_result(StudyFolder(study)).records
    assert [record.state in ("complete", "pruned") for record in records] == [True, True]
