"""Parameters of the recorded studies, whose spaces know no forecasts, mean what they meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.records.files import trials_from_json
from search.settings.compose import load_config
from search.space import SpaceContext, load_space
from tests.search.space.worlds import SD15

STUDY = Path(__file__).parents[3] / "experiments" / "study"


@pytest.mark.parametrize(("folder", "at_least"), [(STUDY, 30), (STUDY / "per_call", 150)])
def test_a_recorded_trial_decodes_to_its_schedule(folder: Path, at_least: int) -> None:
    space = load_space(load_config(folder / "config.yaml").space)
    known = 0
    for trial in trials_from_json((folder / "trials.json").read_text(encoding="utf-8")):
        if trial.schedule is None or trial.params.get("cached.reuse"):
            continue  # which calls reuse follows from a drift that was not kept
        calls = trial.schedule.calls
        context = SpaceContext(calls, SD15, (0.0,) + (1.0,) * (calls - 1), weights=None)
        assert space.decode(trial.params, context) == trial.schedule
        known += 1
    assert known >= at_least
