"""The user's mistakes: one clear sentence with the remedy, exit code 2, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.cli.main import main

PRESET = Path(__file__).parents[2] / "dato" / "golden"


def expect(
    capsys: pytest.CaptureFixture[str], arguments: list[str], *fragments: str, code: int = 2
) -> None:
    assert main(arguments) == code
    text = capsys.readouterr().err
    assert text.startswith("dato-search: ")
    assert "Traceback" not in text
    for fragment in fragments:
        assert fragment in text


@pytest.mark.parametrize(
    ("overrides", "fragments"),
    [
        (["budgget.trials=3"], ("budgget",)),
        (["budget.trials=0"], ("budget.trials=0", "Take at least 1")),
        (["budget.images=-4"], ("budget.images=-4", "Take at least 1")),
        (["budget.time=0m"], ("budget.time", "too short")),
        (["constraints.speedup=>=5,<=3"], ("constraints.speedup", "no value is both >=5 and <=3")),
        (["sampler=tep"], ("Did you mean 'tpe'?",)),
        (["sampler.options.seeed=3"], ("Write +sampler.options.seeed=3 to add it.",)),
        (["+sampler.options.seeed=3"], ("sampler.options.seeed: tpe has no such option", "Choose")),
        (["+sampler.options.gamma=x", "+sampler.options.weights=3", "sampler=nsga2"],
         ("gamma: nsga2 has no such option", "weights: nsga2 has no such option")),
        (["space=missing.yaml"], ("Cannot read 'missing.yaml'",)),
        (["model.path=/no/such/model"], ("/no/such/model",)),
        (["model.scheduler=DDIMSchedular"], ("DDIMScheduler",)),
        (["model.prompts=/no/prompts.txt"], ("model.prompts", "one prompt a line")),
        (["quality.images=33"], ("multiple of model.batch_size",)),
        (["quality.objective=fid_real", "quality.real=none"], ("needs real images",)),
    ],
)  # fmt: skip
def test_a_sweep_that_cannot_start(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    fragments: tuple[str, ...],
) -> None:
    study = tmp_path / "study"
    arguments = ["sweep", "--plain", f"study.folder={study}", "tracker=none", *overrides]
    expect(capsys, arguments, *fragments)
    assert not (study / "config.yaml").exists()


def test_a_space_with_mistakes_lists_them_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = tmp_path / "mine.yaml"
    space.write_text("refresh: {rule: interval, interval: {kind: int, low: 9, high: 2}}\nx: 1\n")
    arguments = ["sweep", f"study.folder={tmp_path / 'study'}", f"space={space}"]
    expect(capsys, arguments, "refresh.interval", "x")


def test_an_unwritable_study_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    expect(
        capsys,
        ["sweep", f"study.folder={tmp_path / 'file' / 'study'}"],
        "cannot be written",
        "study.folder=PATH",
    )


@pytest.mark.parametrize("command", ["status", "front", "export", "report", "resume"])
def test_a_folder_without_a_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    expect(capsys, [command, str(tmp_path)], "is not a study folder")


def test_a_sweep_never_overwrites_a_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").touch()
    expect(capsys, ["sweep", f"study.folder={tmp_path}"], "which already holds one", "resume")


def test_validate_names_each_broken_preset_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": "dato-preset", "version": 99}')
    good = next(iter(sorted(PRESET.glob("*.json"))))
    assert main(["validate", str(broken), str(good)]) == 2
    output = capsys.readouterr()
    assert str(broken) in output.err
    assert f"{good}: valid" in output.out


def test_generate_with_an_unknown_preset_lists_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    expect(
        capsys,
        ["generate", "--preset", "pocket/balnced", "--prompt", "a", "--out", str(out)],
        "balnced",
    )
    assert not out.exists()


@pytest.mark.parametrize(
    "command",
    [
        "sweep",
        "resume",
        "calibrate",
        "cost-table",
        "status",
        "front",
        "export",
        "audit",
        "retarget",
        "validate",
        "report",
        "generate",
        "demo",
    ],
)
def test_every_command_has_a_help_text(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 5
