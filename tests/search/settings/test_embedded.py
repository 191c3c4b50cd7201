"""The name of an embedded model brings its settings; its path alone would bring another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.cli.main import main
from search.errors import ConfigError
from search.settings.compose import compose_config, compose_model


@pytest.mark.parametrize(
    ("typed", "path", "name"),
    [
        (["model.path=pocket-flow"], "pocket-flow", "pocket"),
        (["model.path='pocket-flow'"], "pocket-flow", "pocket"),
        (["model=pocket-flow", "model.path=pocket"], "pocket", "pocket-flow"),
        (["model=sd15", "model.path=pocket", "model.prompts=pocket"], "pocket", "sd15"),
    ],
)
def test_a_path_of_one_beside_the_settings_of_another_is_refused(
    typed: list[str], path: str, name: str
) -> None:
    sentence = (
        f"model.path={path} is an embedded model, and all other settings are those of "
        f"model={name}. Write model={path}, and leave out model.path."
    )
    for compose in (compose_config, compose_model):
        with pytest.raises(ConfigError) as caught:
            compose(typed)
        assert caught.value.problems == (sentence,)


@pytest.mark.parametrize(
    ("typed", "path", "steps"),
    [
        (["model=pocket-flow"], "pocket-flow", 28),
        (["model.path=pocket"], "pocket", 50),
        (["model=pocket-flow", "model.path=pocket-flow"], "pocket-flow", 28),
        (["model=pocket-flow", "model.path=folder"], "folder", 28),
        (["model=custom", "model.path=pocket-flow"], "pocket-flow", 50),
    ],
)
def test_every_other_path_is_taken(typed: list[str], path: str, steps: int) -> None:
    model = compose_model(typed)
    assert (model.path, model.num_inference_steps) == (path, steps)


@pytest.mark.parametrize("command", [["sweep"], ["generate", "--prompt", "a", "--out", "x.png"]])
def test_nothing_is_loaded_before_that_is_said(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*command, "model.path=pocket-flow"]) == 2
    out, err = capsys.readouterr()
    assert "Write model=pocket-flow" in err
    assert "loading" not in out + err
    assert not list(tmp_path.iterdir())
