"""A study measures its calibration once."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.calibration.kept import calibrated, depths_of, kept_calibration
from search.calibration.table import Calibration
from search.records.folder import StudyFolder
from search.space import load_space
from tests.search.calibration.made_up import calibration, key, wandering

CALLS = 5


class Counted:
    """Makes calibrations, and counts them; the first attempt may be killed."""

    def __init__(self, killed: bool = False) -> None:
        self.made = 0
        self.killed = killed

    def __call__(self) -> Calibration:
        self.made += 1
        if self.killed and self.made == 1:
            raise KeyboardInterrupt
        return calibration(wandering(CALLS, self.made), {1: wandering(CALLS, 9)})


def test_a_killed_study_measures_again_what_it_had_not_kept_and_nothing_else(
    tmp_path: Path,
) -> None:
    path, make = StudyFolder(tmp_path).calibration, Counted(killed=True)
    with pytest.raises(KeyboardInterrupt):
        kept_calibration(path, key(CALLS), (1,), make)
    assert not path.exists()
    first = kept_calibration(path, key(CALLS), (1,), make)
    again = kept_calibration(path, key(CALLS), (1,), make)
    assert make.made == 2
    assert (again.output == first.output).all()


def test_other_versions_are_no_reason_to_measure_again(tmp_path: Path) -> None:
    path, make = tmp_path / "file", Counted()
    kept_calibration(path, key(CALLS), (1,), make)
    kept_calibration(path, key(CALLS).model_copy(update={"versions": {"torch": "9"}}), (), make)
    assert make.made == 1


@pytest.mark.parametrize("change", [{"scheduler": "Other"}, {"prompts": "x"}, {"images": 4}])
def test_another_key_is(tmp_path: Path, change: dict[str, object]) -> None:
    path, make = tmp_path / "file", Counted()
    kept_calibration(path, key(CALLS), (1,), make)
    kept_calibration(path, key(CALLS).model_copy(update=change), (1,), make)
    assert make.made == 2


def test_a_depth_that_it_lacks_is_too(tmp_path: Path) -> None:
    path, make = tmp_path / "file", Counted()
    kept_calibration(path, key(CALLS), (1,), make)
    kept_calibration(path, key(CALLS), (1, 2), make)
    assert make.made == 2


def test_a_space_says_which_cuts_its_calls_stand_on() -> None:
    depth = {"kind": "choice", "values": [0, 3, 1, "full"], "per": "call"}
    calls = {"name": "own", "refresh": {"rule": "per_call"}, "calls": {"depth": depth}}
    assert depths_of(load_space(calls)) == (1, 3)
    assert not calibrated(load_space(calls))
    plain = {
        "name": "own",
        "refresh": {"rule": "interval", "interval": 3},
        "cached": {"depth": {"kind": "int", "low": 0, "high": 2}},
    }
    assert depths_of(load_space(plain)) == (1, 2)
    assert calibrated(load_space(plain | {"forecast": {"cut": "fitted"}}))
    assert not calibrated(load_space(plain | {"forecast": {"cut": "hold", "output": "linear"}}))
