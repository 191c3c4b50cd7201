"""The help texts say what a command takes: every group with its options, every setting."""

from __future__ import annotations

import re

import pytest

from search.cli.main import main
from search.settings import Config
from search.settings.base import Settings
from search.settings.compose import RESUMABLE
from search.settings.groups import groups, options


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return capsys.readouterr().out


def test_sweep_lists_every_group_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    lines = help_of("sweep", capsys).splitlines()
    for group in groups():
        assert f"  {group}=  {' '.join(options(group))}" in lines


def test_resume_lists_every_setting_that_may_change(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("resume", capsys)
    shown = {word.strip("().") for word in re.split(r"\s+", text)}
    for group in RESUMABLE:
        settings = Config.model_fields[group].annotation
        assert isinstance(settings, type) and issubclass(settings, Settings)
        for name in settings.model_fields.keys() - {"job"}:
            assert f"{group}.{name}" in shown
    named = {word.partition(".")[0] for word in shown if re.fullmatch(r"[a-z]+\.[a-z_.]+", word)}
    assert set(RESUMABLE) <= named
