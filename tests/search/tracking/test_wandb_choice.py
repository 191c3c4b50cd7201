"""W&B's own environment variables decide what the configuration leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import wandb

from search.errors import UserError
from search.records.names import slug
from search.settings.compose import compose_config
from search.tracking.make import make_tracker
from search.tracking.tracker import NullTracker
from search.tracking.wandb_choice import wandb_choice
from search.tracking.wandb_folders import study_name
from search.tracking.wandb_settings import settings_in


@pytest.mark.parametrize(
    ("mode", "environment", "expected"),
    [
        (None, {}, "offline"),
        (None, {"WANDB_MODE": "online"}, "online"),
        (None, {"WANDB_MODE": "dryrun"}, "offline"),
        (None, {"WANDB_MODE": "disabled"}, "disabled"),
        (None, {"WANDB_DISABLED": "true", "WANDB_MODE": "online"}, "disabled"),
        (None, {"WANDB_DISABLED": "false"}, "offline"),
        ("online", {"WANDB_MODE": "offline", "WANDB_DISABLED": "true"}, "online"),
    ],
)
def test_the_mode(mode: str | None, environment: Mapping[str, str], expected: str) -> None:
    choice = wandb_choice(mode, None, environment)
    assert choice.mode == expected
    assert expected in choice.line
    assert (
        mode is not None
        or all(each in choice.line for each in list(environment)[:1])
        or (environment == {"WANDB_DISABLED": "false"})
    )


def test_the_project() -> None:
    assert wandb_choice(None, None, {}).project == "dato"
    assert wandb_choice(None, None, {"WANDB_PROJECT": "theirs"}).project == "theirs"
    assert wandb_choice(None, "mine", {"WANDB_PROJECT": "theirs"}).project == "mine"


def test_an_unknown_mode_is_named_with_its_source() -> None:
    with pytest.raises(UserError, match="WANDB_MODE='sometimes'"):
        wandb_choice(None, None, {"WANDB_MODE": "sometimes"})


def test_the_configuration_leaves_both_open() -> None:
    tracker = compose_config([]).tracker
    assert (tracker.kind, tracker.mode, tracker.project) == ("wandb", None, None)


def test_a_settings_file_in_the_current_folder_is_said(tmp_path: Path) -> None:
    assert "from" not in wandb_choice(None, None, {}, tmp_path).line
    file = tmp_path / "wandb" / "settings"
    file.parent.mkdir()
    file.write_text(
        "[default]\nentity = strangers\nbase_url = https://their.server\napi_key = x%1\n"
    )
    said = wandb_choice(None, None, {}, tmp_path).line
    assert said.endswith(f"entity=strangers, base_url=https://their.server, api_key from '{file}'")
    assert "x%1" not in said
    assert "strangers" not in wandb_choice("disabled", None, {}, tmp_path).line
    file.write_text("nothing that is read")
    assert "from" not in wandb_choice(None, None, {}, tmp_path).line


def test_a_settings_file_is_the_one_that_the_installed_wandb_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for inside in ("wandb", ".wandb"):  # the second wins
        (tmp_path / inside).mkdir()
        (tmp_path / inside / "settings").write_text(f"[default]\nentity = of-{inside}\n")
        read = wandb.Settings().read_system_settings().all()["entity"]
        assert f"entity={read} from" in settings_in(tmp_path)


def test_studies_of_one_name_share_no_group_and_no_artifact() -> None:
    one, other = (study_name("pocket-joint", run) for run in ("0a1b2c3d4e5f", "5f4e3d2c1b0a"))
    assert one != other
    long = [slug(study_name("study " * 40, run)) for run in ("0a1b2c3d4e5f", "5f4e3d2c1b0a")]
    assert len({*long}) == 2
    assert max(map(len, long)) + len("-preset") <= 128  # the most that W&B takes


def test_a_disabled_tracker_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert isinstance(make_tracker("wandb"), NullTracker)
