"""The calibration's file: whole, strict, and clear about what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from dato.schedule import Depth, Forecast
from search.calibration.damage import damage
from search.calibration.fit import Fitted
from search.calibration.table import Calibration
from search.errors import UserError
from tests.search.calibration.made_up import calibration, wandering
from tests.search.calibration.test_damage import linear

CALLS = 6
Tensors = dict[str, NDArray[np.float64]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "calibration.safetensors"
    calibration(wandering(CALLS, 1), {1: wandering(CALLS, 2), 12: wandering(CALLS, 3)}).save(file)
    return file


@pytest.mark.parametrize("alphas", [True, False])
def test_it_comes_back_bit_by_bit(tmp_path: Path, alphas: bool) -> None:
    own = calibration(wandering(CALLS, 1), {1: wandering(CALLS, 2)}, alphas=alphas)
    own.save(tmp_path / "file")
    again = Calibration.load(tmp_path / "file")
    assert again.key == own.key
    assert (again.path is None) is not alphas
    schedule = linear(["full", 0, 1, 0, "full", 0])
    assert damage(again, schedule) == damage(own, schedule)
    depths: list[Depth] = ["full", 0, 1, 0, "full", 0]
    forecasts: list[Forecast] = ["fitted"] * CALLS
    assert Fitted(again)(depths, forecasts) == Fitted(own)(depths, forecasts)


def shorter(tensors: Tensors) -> None:
    tensors["output"] = tensors["output"][:-1]


def half(tensors: Tensors) -> None:
    tensors["cut.1"] = tensors["cut.1"].astype(np.float32)


def unknown(tensors: Tensors) -> None:
    tensors["cut.x"] = tensors["output"]


def nan(tensors: Tensors) -> None:
    tensors["response.12"] = tensors["response.12"] * np.nan


def missing(tensors: Tensors) -> None:
    del tensors["response.1"]


def impossible(tensors: Tensors) -> None:
    tensors["alphas"] = tensors["alphas"] + 1


@pytest.mark.parametrize("harm", [shorter, half, unknown, nan, missing, impossible])
def test_broken_tensors_are_told(path: Path, harm: Callable[[Tensors], None]) -> None:
    key = Calibration.load(path).key.model_dump_json()
    tensors = load_file(path)
    harm(tensors)
    save_file(tensors, path, {"key": key})
    with pytest.raises(UserError, match="Delete it, so that it is measured again"):
        Calibration.load(path)


@pytest.mark.parametrize("change", [{"version": 2}, {"calls": 7}, {"more": 1}, {"images": "8"}])
def test_a_broken_key_is_told(path: Path, change: dict[str, object]) -> None:
    key = json.loads(Calibration.load(path).key.model_dump_json())
    save_file(load_file(path), path, {"key": json.dumps(key | change)})
    with pytest.raises(UserError, match="Delete it"):
        Calibration.load(path)


def test_what_is_no_calibration_is_told(path: Path) -> None:
    whole = path.read_bytes()
    for data in (b"", whole[:100], b"{}" * 50):
        path.write_bytes(data)
        with pytest.raises(UserError, match="Delete it"):
            Calibration.load(path)
    path.unlink()
    with pytest.raises(UserError, match="Cannot read"):
        Calibration.load(path)
    save_file({"output": np.zeros((1, 1))}, path)
    with pytest.raises(UserError, match="Delete it"):
        Calibration.load(path)
