"""A model that is given by its place is named after it, in every group."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.settings.compose import compose_config, compose_model
from search.settings.model_name import model_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("my-model", "my-model"),
        ("/models/my model/", "my model"),
        ("./models/mine", "mine"),
        ("~/mine", "mine"),
        ("a/b/mine", "mine"),
        ("someone/their-model", "someone/their-model"),
        ("/cache/models--someone--their--model/snapshots/0a1b2c", "someone/their--model"),
        ("pocket", "pocket"),
        ("/", "model"),
    ],
)
def test_a_place_gives_a_name(path: str, name: str) -> None:
    assert model_name(path) == name


def test_a_folder_that_is_there_is_no_hub_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert model_name("models/mine") == "mine"
    monkeypatch.chdir(tmp_path / "models" / "mine")
    assert model_name(".") == "mine"


@pytest.mark.parametrize("model", ["custom", "pocket", "sd15"])
def test_model_and_study_are_named_after_the_path(model: str) -> None:
    config = compose_config(
        [f"model={model}", "model.path=/models/mine", "model.prompts=p.txt", "quality.real=none"]
    )
    assert (config.model.id, config.study.name) == ("mine", "mine-planned")
    assert config.study.folder.startswith("studies/mine-planned-")


def test_a_name_that_was_typed_stays() -> None:
    named = ["model.path=/models/mine", "model.id=ours"]
    assert compose_model(["model=custom", *named]).id == "ours"
    assert compose_model(["model=sd15"]).id == "sd15"
    assert compose_model([]).id == "pocket"


def test_two_folders_of_one_name_share_it() -> None:
    names = {compose_model(["model=custom", f"model.path={each}/v2"]).id for each in ("/a", "/b")}
    assert names == {"v2"}


def test_a_hub_id_makes_one_folder_for_the_study() -> None:
    given = ["model=custom", "model.path=someone/theirs", "model.prompts=p.txt"]
    config = compose_config([*given, "quality.real=none"])
    assert (config.model.id, config.study.name) == ("someone/theirs", "someone/theirs-planned")
    assert config.study.folder.startswith("studies/someone-theirs-planned-")


def test_a_name_is_text_whatever_its_characters() -> None:
    assert compose_model(["model=custom", "model.path=/models/${odd"]).id == "${odd"
