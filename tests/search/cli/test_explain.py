"""``explain`` and ``diff`` say what a preset does and where two differ."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dato import Preset, Slope, load_preset
from dato.preset.fields import Setting
from search.cli.main import main
from search.records.schedule_text import strip, summary

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "experiments" / "study" / "cost_table.json"


def test_explain_shows_the_strip_the_kinds_and_the_measurement(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "pocket/fast"]) == 0
    out = capsys.readouterr().out
    preset = load_preset("pocket/fast")
    assert preset.measured is not None
    assert strip(preset.schedule) in out and summary(preset.schedule) in out
    assert "Measured on" in out and f"{preset.measured.speedup:.2f}x" in out
    assert "share of time" not in out


def test_explain_names_forecasts_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(ROOT / "tests/dato/golden/forecast.json")]) == 0
    out = capsys.readouterr().out
    assert "█ full call, ~ output forecast from earlier ones, ▂ recomputes" in out
    assert "█▂~~█" in out and "10 forecast with fitted weights" in out
    assert "the rest is" in out and "such as the predicted noise" in out


def test_a_flow_matching_model_s_outputs_are_held_as_velocities(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = load_preset("pocket-flow/quality")
    settings: dict[str, Setting] = {
        "prediction_type": "flow_prediction",
        "use_flow_sigmas": True,
    }
    sampler = replace(preset.sampler, scheduler="UniPCMultistepScheduler", settings=settings)
    replace(preset, sampler=sampler).save(tmp_path / "unipc.json")
    for name in ("pocket-flow/quality", str(tmp_path / "unipc.json")):
        assert main(["explain", name]) == 0
        out = capsys.readouterr().out
        assert "such as the predicted velocity." in out
        assert "predicted noise" not in out
        assert "such as the predicted velocity." in load_preset(name).card()


def test_explain_says_slopes_and_which_fid_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    slopes = ROOT / "tests/dato/golden/slopes.json"
    assert main(["explain", str(slopes)]) == 0
    out = capsys.readouterr().out
    assert "5 forecast linearly (slopes 0.4 to 1.75)" in out
    assert "Linear forecasts of outputs have slopes 0.4 to 1.75 over the run" in out
    fid = "FID to real images 12.34 (pocket features, 512 images of held-out prompts)"
    assert f"{fid}, unpatched 11.9" in out
    assert main(["explain", str(ROOT / "tests/dato/golden/karras.json")]) == 0
    assert "FID 12.34 (512 images), unpatched 11.9" in capsys.readouterr().out


def test_explain_prices_each_kind_by_a_cost_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "pocket/fast", "--table", str(TABLE)]) == 0
    out = capsys.readouterr().out
    shares = [int(word.rstrip("%")) for word in out.split() if word.endswith("%")]
    assert 90 <= sum(shares) <= 101
    assert "Predicted by" in out
    assert main(["explain", "pocket/fast", "--table", "none.json"]) == 2
    assert "none.json" in capsys.readouterr().err


def test_diff_names_every_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = ROOT / "tests/dato/golden/balanced.json"
    preset = json.loads(held.read_text())
    preset["steps"][7] = preset["steps"][0]
    preset["tokens"]["protect"] = 0.5
    other = tmp_path / "other.json"
    other.write_text(json.dumps(preset))
    assert main(["diff", "pocket/fast", "pocket/fast"]) == 0
    assert capsys.readouterr().out == "The presets are equal.\n"
    assert main(["diff", str(held), str(other)]) == 1
    first, *lines = capsys.readouterr().out.splitlines()
    sides = [summary(load_preset(name).schedule) for name in (held, other)]
    assert first.startswith("1 of 20 calls differ; pocket/balanced (")
    assert all(each in first for each in sides)
    assert [line.partition(":")[0] for line in lines] == ["tokens.protect", "steps[7]"]
    forecast = ROOT / "tests/dato/golden/forecast.json"
    data = json.loads(forecast.read_text())
    data["weights"]["19"] = [1.0]
    other.write_text(json.dumps(data | {"quantity": "output"}))
    assert main(["diff", str(forecast), str(other)]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "weights.19[0]: 2.5 -> 1.0",
        "weights.19[1]: -2.0 -> null",
        "weights.19[2]: 0.75 -> null",
        'quantity: "epsilon" -> "output"',
    ]


def test_diff_names_slopes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = Preset.load(ROOT / "tests/dato/golden/slopes.json")
    right = replace(left, schedule=left.schedule.sloped(Slope(0.4, 1.5)))
    for name, preset in (("left", left), ("right", right)):
        preset.save(tmp_path / f"{name}.json")
    assert main(["diff", str(tmp_path / "left.json"), str(tmp_path / "right.json")]) == 1
    first, line = capsys.readouterr().out.splitlines()
    assert first.startswith("the same calls with other slopes; pocket/slopes (")
    assert "slopes 0.4 to 1.75" in first and "slopes 0.4 to 1.5" in first
    assert line == "slope.late: 1.75 -> 1.5"


def test_presets_that_differ_are_two() -> None:
    data = json.loads((ROOT / "dato" / "presets" / "pocket" / "fast.json").read_text())
    data["tokens"]["protect"] = 0.5
    left, right = load_preset("pocket/fast"), Preset.from_dict(data)
    assert left != right and len({left, right, Preset.from_dict(left.to_dict())}) == 2
