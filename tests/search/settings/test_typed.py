"""What a person types: paths as other programs take them, and what a typing error meant."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from search.errors import UserError
from search.settings.compose import compose_config, load_config, save_config

TEXTS = (
    "/a b/(1)",
    "/räume/絵",
    "/it's",
    '/say "hi"',
    "/100%/#2/a=b",
    "/a,b/[c]/{d}",
    "/$x/${",
    "/back\\slash",
    "/a: b",
    "5",
    "true",
)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("key", ["model.path", "study.folder", "quality.real", "warmstart.study"])
def test_a_path_is_taken_as_it_is_typed(key: str, text: str) -> None:
    config = compose_config([f"{key}={text}"]).model_dump()
    group, name = key.split(".")
    assert config[group][name] == text


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_of_hydra_around_a_path_are_left_out(quote: str) -> None:
    assert compose_config([f"model.path={quote}/a b{quote}"]).model.path == "/a b"


def test_a_text_may_be_none_or_name_another_setting() -> None:
    assert compose_config(["quality.features_path=null"]).quality.features_path is None
    assert compose_config(["study.name=my-${model.id}"]).study.name == "my-pocket"


@pytest.mark.parametrize(
    "key", ["model.path", "model.prompts", "study.folder", "quality.real", "quality.clip_path"]
)
def test_the_home_folder_is_found(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    group, name = key.split(".")
    assert compose_config([f"{key}=~/x"]).model_dump()[group][name] == "/home/me/x"
    with pytest.raises(UserError, match="no user's home folder"):
        compose_config([f"{key}=~nobody-here/x"])


def test_a_resumed_study_takes_texts_as_they_are_typed(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(save_config(compose_config(["study.folder=studies/x"])))
    assert load_config(path, ["tracker.project=a: (b)"]).tracker.project == "a: (b)"
    with pytest.raises(UserError, match=r"Did you mean 'budget.trials=9'"):
        load_config(path, ["budget.trails=9"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("spce=joint", "space=joint"),
        ("modle.path=x", "model"),
        ("model.pth=~/a (1)", "model.path=~/a (1)"),
        ("budget.trails=3", "budget.trials=3"),
        ("launcher.job.minuts=3", "launcher.job.minutes=3"),
    ],
)
def test_a_typing_error_is_answered_with_what_was_meant(typed: str, meant: str) -> None:
    with pytest.raises(UserError) as caught:
        compose_config([typed])
    assert f"Did you mean {meant!r}" in str(caught.value)


def test_all_typing_errors_are_named_at_once() -> None:
    with pytest.raises(UserError) as caught:
        compose_config(["spce=joint", "budget.trails=3", "nonsense", "model.path=a\udc80"])
    said = str(caught.value)
    assert "for 4 reasons" in said
    assert "'nonsense' is no setting. Write KEY=VALUE." in said and "is not UTF-8" in said


@pytest.mark.parametrize(
    "override", ["latency.tables=[/a (1)/b.json]", "space.x=a (1", "latency.tables=[a b, c%d:e#]"]
)
def test_where_a_grammar_is_needed_the_error_shows_the_spelling_that_works(override: str) -> None:
    with pytest.raises(UserError) as caught:
        compose_config([override])
    spelling = str(caught.value).rpartition(". Write ")[2]
    (shell_word,) = shlex.split(spelling)
    if override.startswith("latency"):
        tables = compose_config([shell_word]).latency.tables
        assert tables == tuple(
            each.strip() for each in override.partition("[")[2].rstrip("]").split(",")
        )


def test_a_missing_value_is_named_with_what_to_add() -> None:
    with pytest.raises(UserError) as caught:
        compose_config(["model=custom"])
    said = str(caught.value)
    assert "model.path has no value. Add model.path=FOLDER" in said
    assert "model.prompts has no value. Add model.prompts=prompts.txt" in said


@pytest.mark.parametrize("content", ["", "name: joint\n"])
def test_a_study_is_named_after_the_file_of_its_space(tmp_path: Path, content: str) -> None:
    (tmp_path / "two (1).yaml").write_text(f"{content}refresh: {{rule: interval, interval: 5}}\n")
    config = compose_config([f"space={tmp_path / 'two (1).yaml'}"])
    assert (config.study.name, config.space["name"]) == ("pocket-two (1)", "two (1)")


def test_a_space_with_a_name_of_its_own_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text("name: mine\nrefresh: {rule: interval, interval: 5}\n")
    assert compose_config([f"space={tmp_path / 'two.yaml'}"]).study.name == "pocket-mine"


def test_the_configuration_is_found_beside_a_folder_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "__init__.py").touch()
    (tmp_path / "conf" / "config.yaml").write_text("theirs: 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "conf", raising=False)
    assert compose_config([]).space["name"] == "planned"
