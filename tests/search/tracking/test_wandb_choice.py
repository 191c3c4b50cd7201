"""W&B's own environment variables decide what the configuration leaves open."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from search.errors import UserError
from search.settings.compose import compose_config
from search.tracking.make import make_tracker
from search.tracking.tracker import NullTracker
from search.tracking.wandb_choice import wandb_choice


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


def test_a_disabled_tracker_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert isinstance(make_tracker("wandb"), NullTracker)
