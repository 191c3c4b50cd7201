"""``explain`` and ``diff`` say what a preset does and where two differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dato import Preset, load_preset
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


def test_explain_prices_each_kind_by_a_cost_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "pocket/fast", "--table", str(TABLE)]) == 0
    out = capsys.readouterr().out
    shares = [int(word.rstrip("%")) for word in out.split() if word.endswith("%")]
    assert 90 <= sum(shares) <= 101
    assert "Predicted by" in out
    assert main(["explain", "pocket/fast", "--table", "none.json"]) == 2
    assert "none.json" in capsys.readouterr().err


def test_diff_names_every_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = json.loads((ROOT / "dato" / "presets" / "pocket" / "fast.json").read_text())
    preset["steps"][7] = preset["steps"][0]
    preset["tokens"]["protect"] = 0.5
    other = tmp_path / "other.json"
    other.write_text(json.dumps(preset))
    assert main(["diff", "pocket/fast", "pocket/fast"]) == 0
    assert capsys.readouterr().out == "The presets are equal.\n"
    assert main(["diff", "pocket/fast", str(other)]) == 1
    first, *lines = capsys.readouterr().out.splitlines()
    sides = [summary(load_preset(name).schedule) for name in ("pocket/fast", other)]
    assert first.startswith("1 of 50 calls differ; pocket/fast (")
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


def test_presets_that_differ_are_two() -> None:
    data = json.loads((ROOT / "dato" / "presets" / "pocket" / "fast.json").read_text())
    data["tokens"]["protect"] = 0.5
    left, right = load_preset("pocket/fast"), Preset.from_dict(data)
    assert left != right and len({left, right, Preset.from_dict(left.to_dict())}) == 2
