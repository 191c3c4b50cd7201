"""A family without an adapter is searched from its folder to a preset that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import dato
from search.cli.main import main
from search.latency.cost_file import load_cost_table
from search.model.loading import ModelConfig, load_pipeline
from search.records.files import load_result
from search.records.folder import StudyFolder
from tests.search.cli.test_families import sweep
from tests.search.model.tiny_sana import save_sana

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
STEPS = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sana(tmp_path_factory.mktemp("sana") / "sana-tiny")


@pytest.fixture(scope="module")
def overrides(folder: Path) -> dict[str, object]:
    prompts = folder.with_name("prompts.txt")
    prompts.write_text("a cat\na dog\na red house\nsnow\n")
    steps = {"model__num_inference_steps": STEPS, "model__guidance_scale": 3}
    return {"model": "custom", "model__path": folder, "model__prompts": prompts} | steps


def test_a_sweep_to_its_end(
    folder: Path,
    overrides: dict[str, object],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = StudyFolder(tmp_path / "study")
    asked = {"space": "skipped", "rivals": "flow", "export__dominated": "true"}
    assert sweep(study.root, **overrides, **asked, budget__trials=3) == 0
    out = capsys.readouterr().out
    assert out.count("The engine has no adapter for this denoiser") == 1
    assert "front member" in out
    records = load_result(study).records
    assert [record.state for record in records] == ["complete"] * 3
    table = load_cost_table(study.cost_table)
    assert table.work.fused and set(table.depth_s) == {"full", "0"} and table.depth_s["0"] == 0
    assert study.report.is_file()
    presets = sorted(study.presets.glob("*.json"))
    assert presets
    preset = dato.load_preset(presets[0])
    assert preset.model.id == "sana-tiny"
    pipe = load_pipeline(ModelConfig(path=str(folder)))
    with dato.applied(pipe, preset):
        size = {"height": 32, "width": 32, "use_resolution_binning": False}
        pipe("a cat", num_inference_steps=STEPS, guidance_scale=3.0, **size)
        assert dato.explain(pipe).endswith(f"computed calls of {STEPS}, fused.")
    picture = tmp_path / "grid.png"
    shown = ["generate", "--preset", str(presets[0]), "--compare", "--prompt", "a cat"]
    assert main([*shown, "--out", str(picture), "model=custom", f"model.path={folder}"]) == 0
    assert picture.is_file()
    sampler = tmp_path / "sampler.json"
    exporting = ["export-sampler", str(presets[0]), "--out", str(sampler)]
    assert main([*exporting, "model=custom", f"model.path={folder}"]) == 0
    assert dato.PortableSampler.load(sampler).flow


def test_a_space_that_needs_an_adapter_names_the_remedy(
    overrides: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(tmp_path / "study", **overrides) == 2
    error = capsys.readouterr().err
    assert "cached.depth, cached.prune, full.prune" in error
    assert "the engine has no adapter for this one. Take space=skipped" in error
    assert not (tmp_path / "study").exists()
