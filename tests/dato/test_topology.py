"""What a schedule may name of a denoiser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato.errors import MismatchError
from dato.schedule import Kind, Schedule
from tests.strategies import schedules, sd15_topology

SD15 = sd15_topology()


def fits(kind: Kind) -> None:
    SD15.check(Schedule({"full": Kind(), "other": kind}, ("full", "other")))


def test_sd15_has_sixteen_layers_on_four_levels() -> None:
    assert len(SD15.layers) == 16
    assert SD15.levels == (0, 1, 2, 3)


def test_the_outermost_unit_runs_from_depth_one_on() -> None:
    outermost = SD15.layers[-1]
    assert outermost.name == "up_blocks.3.attentions.2"
    assert not SD15.runs(outermost, Kind(0))
    assert SD15.runs(outermost, Kind(1))


def test_the_middle_runs_only_in_full_calls() -> None:
    middle = next(layer for layer in SD15.layers if layer.name.startswith("mid"))
    assert not SD15.runs(middle, Kind(12))
    assert SD15.runs(middle, Kind("full"))


def test_a_layer_wins_over_its_level() -> None:
    ratios = SD15.ratios(Kind("full", {"level_0": 0.5, "up_blocks.3.attentions.2": 0.7}))
    assert ratios["up_blocks.3.attentions.2"] == 0.7
    assert ratios["down_blocks.0.attentions.0"] == 0.5
    assert len(ratios) == 5


def test_a_layer_set_to_zero_is_left_out_of_its_level() -> None:
    ratios = SD15.ratios(Kind("full", {"level_0": 0.5, "up_blocks.3.attentions.2": 0.0}))
    assert "up_blocks.3.attentions.2" not in ratios


@given(st.integers(0, 11))
def test_deeper_calls_run_more_layers(depth: int) -> None:
    shallow = {layer for layer in SD15.layers if SD15.runs(layer, Kind(depth))}
    deep = {layer for layer in SD15.layers if SD15.runs(layer, Kind(depth + 1))}
    assert shallow <= deep < set(SD15.layers)


def test_depths_up_to_the_number_of_skip_branches_fit() -> None:
    fits(Kind(12))
    with pytest.raises(MismatchError, match="12 skip branches"):
        fits(Kind(13))


@pytest.mark.parametrize("name", ["level_4", "level_x", "level_", "up_blocks.0.attentions.0", ""])
def test_unknown_layers_and_levels_list_the_valid_ones(name: str) -> None:
    with pytest.raises(MismatchError, match=r"level_0, level_1.*up_blocks\.3\.attentions\.2"):
        fits(Kind("full", {name: 0.5}))


@given(schedules())
def test_ratios_name_only_layers_that_run(schedule: Schedule) -> None:
    by_name = {layer.name: layer for layer in SD15.layers}
    for kind in schedule.kinds.values():
        for name, ratio in SD15.ratios(kind).items():
            assert ratio > 0
            assert SD15.runs(by_name[name], kind)
