"""``export-sampler`` writes a sampler file, and reads no weights for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import dato
from dato.pocket import pocket_path
from search.cli.main import main


def fused(folder: Path) -> Path:
    """A preset of the embedded model without pruning."""
    schedule = dato.Schedule.uniform(calls=50, interval=10, depth=0, forecast="linear")
    path = folder / "preset.json"
    preset = dato.load_preset("pocket/fast")
    sampler = replace(preset.sampler, num_inference_steps=50, calls=50, guidance_range=None)
    replace(preset, schedule=schedule, sampler=sampler).save(path)
    return path


def test_it_writes_what_the_engine_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset, out = fused(tmp_path), tmp_path / "sampler.json"
    assert main(["export-sampler", str(preset), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    sampler = dato.PortableSampler.load(out)
    assert [call.timestep for call in sampler.calls] == [999, 799, 599, 399, 199]
    assert (sampler.model, sampler.guidance_scale) == ("pocket", 2.0)


def test_a_folder_without_weights_is_enough(tmp_path: Path) -> None:
    model = tmp_path / "model"
    ignored = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(pocket_path(), model, ignore=ignored)
    out = [str(tmp_path / name) for name in ("one.json", "other.json")]
    preset = str(fused(tmp_path))
    assert main(["export-sampler", preset, "--out", out[0]]) == 0
    assert main(["export-sampler", preset, "--out", out[1], f"model.path={model}"]) == 0
    assert Path(out[0]).read_bytes() == Path(out[1]).read_bytes()


def test_a_preset_that_prunes_is_the_user_s_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-sampler", "pocket/fast", "--out", str(tmp_path / "sampler.json")]) == 2
    assert "prunes tokens" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_pipeline_that_passes_noise_levels_is_exported_after_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = dato.load_preset(fused(tmp_path))
    sampler = replace(preset.sampler, scheduler="FlowMatchEulerDiscreteScheduler", settings={})
    replace(preset, sampler=sampler).save(tmp_path / "flux.json")
    command = ["export-sampler", str(tmp_path / "flux.json"), "--out", str(tmp_path / "out.json")]
    tiny = ["model=flux-schnell", "model.weights=tiny", "model.device=cpu"]
    assert main([*command, *tiny]) == 2
    assert "A FluxPipeline passes noise levels to its scheduler" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
