"""Every file that a study names is looked at before anything is loaded or measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from search.cli.main import main
from search.errors import UserError
from search.runs.preflight import check_before_start
from search.settings.compose import compose_config


@pytest.fixture
def real(tmp_path: Path) -> Path:
    folder = tmp_path / "real (1)"
    folder.mkdir()
    for name in ("a.png", "b.jpg", "c.webp"):
        Image.effect_noise((48, 32), 90).convert("RGB").save(folder / name)
    return folder


def check(*overrides: str) -> None:
    check_before_start(compose_config(list(overrides)))


def test_good_files_are_let_through(real: Path) -> None:
    (real / "._a.png").write_bytes(b"\0\5\x16\7 of another system")
    (real / ".hidden").mkdir()
    (real / ".hidden" / "x.png").write_bytes(b"x")
    check(f"quality.real={real}", "quality.real_images=3")
    check()


@pytest.mark.parametrize("name", ["a.png", "b.jpg", "c.webp"])
@pytest.mark.parametrize("keep", [0, 10, 0.7])
def test_a_broken_or_cut_image_is_named(real: Path, name: str, keep: float) -> None:
    data = (real / name).read_bytes()
    (real / name).write_bytes(data[: int(keep * len(data) if 0 < keep < 1 else keep)])
    with pytest.raises(UserError, match=name) as caught:
        check(f"quality.real={real}", "quality.real_images=3")
    assert "1 image file(s) that cannot be read" in str(caught.value)


def test_a_file_without_an_end_mark_that_decodes_is_an_image(real: Path) -> None:
    data = (real / "a.png").read_bytes()
    assert data.endswith(b"IEND\xaeB`\x82")
    (real / "a.png").write_bytes(data[:-12])
    check(f"quality.real={real}", "quality.real_images=3")


def test_all_mistakes_are_named_at_once_and_nothing_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, prompts = tmp_path / "study", tmp_path / "one.txt"
    prompts.write_text("only this\n")
    overrides = [
        f"study.folder={study}", f"model.path={tmp_path / 'model'}", f"model.prompts={prompts}",
        f"quality.real={tmp_path / 'real'}", f"quality.lpips_path={tmp_path / 'lpips'}",
        f"latency.tables=[{tmp_path / 'table.json'}]", f"warmstart.study={tmp_path / 'other'}",
        "quality.features=pocket",
    ]  # fmt: skip
    assert main(["sweep", "--plain", *overrides]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "The study cannot start, for 6 reasons:" in output.err
    for each in ("'model'", "one.txt", "/real", "quality.lpips_path", "table.json", "/other"):
        assert each.strip("'") in output.err
    assert not study.exists()


def test_it_takes_no_torch() -> None:
    code = """
import sys
from search.cli.main import main
assert main(["sweep", "model.path=/no/such/folder", "study.folder=/no/such"]) == 2
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "/no/such/folder" in done.stderr


@pytest.mark.parametrize(
    "model", [["model=pocket"], ["model=sd35-medium", "model.weights=tiny", "model.device=cpu"]]
)
def test_what_the_model_lacks_is_named_before_it_is_loaded(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    study, space, prompts = (tmp_path / name for name in ("study", "own.yaml", "prompts.txt"))
    prompts.write_text("one\ntwo\n")
    space.write_text(
        "name: own\nrefresh: {rule: interval, interval: 2}\ncached: {depth: 99}\n"
        "full:\n  prune:\n    down_blocks.9.attn: {kind: float, low: 0.0, high: 0.5}\n"
    )
    given = [f"space={space}", f"model.prompts={prompts}", f"study.folder={study}"]
    given += [
        "quality.real=none",
        "quality.features=pocket",
        "model.scheduler=UniPCMultistepSchedular",
    ]
    assert main(["sweep", "--plain", *model, *given]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "down_blocks.9.attn" in output.err and "99" in output.err
    assert "Did you mean 'UniPCMultistepScheduler'?" in output.err
    assert not study.exists()
