"""A person adds a space by writing one YAML file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dato import Kind, Tokens
from search.space import Space, load_space
from search.space.decode import name_kinds
from tests.search.space.worlds import RUN, declared, load_yaml, run_of

MINE = """
name: mine
refresh: {rule: interval, interval: {kind: choice, values: [5, 10]}}
cached:
  depth: {kind: int, low: 1, high: 2}
  prune: {level_0: 0.5}
full:
  prune:
    level_0: {kind: float, low: 0.0, high: 0.8, step: 0.4, per: layer}
    level_1: 0.3
    up_blocks.3.attentions.2: {kind: float, low: 0.1, high: 0.6}
tokens: {patch: [3, 3], protect: 0.1, share: {kind: choice, values: [level, layer]}}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Space:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    return load_yaml(file)


def test_its_dimensions_are_what_it_leaves_open(mine: Space) -> None:
    assert [p.name for p in mine.parameters(RUN)] == [
        "refresh.interval",
        "cached.depth",
        "full.prune.level_0.down_blocks.0.attentions.0",
        "full.prune.level_0.down_blocks.0.attentions.1",
        "full.prune.level_0.up_blocks.3.attentions.0",
        "full.prune.level_0.up_blocks.3.attentions.1",
        "full.prune.up_blocks.3.attentions.2",
        "tokens.share",
    ]


def test_it_decodes_to_readable_kinds(mine: Space) -> None:
    params = {p.name: p.domain.values[0] for p in mine.parameters(RUN)}
    params |= {"full.prune.level_0.down_blocks.0.attentions.0": 0.4, "tokens.share": "layer"}
    schedule = mine.decode(params, RUN)
    assert schedule.steps[:6] == ("full", *["cached"] * 4, "full")
    assert schedule.kinds["cached"] == Kind(1, {"level_0": 0.5})
    assert dict(schedule.kinds["full"].prune) == {
        "down_blocks.0.attentions.0": 0.4,
        "level_1": 0.3,
        "up_blocks.3.attentions.2": 0.1,
    }
    assert schedule.tokens == Tokens(patch=(3, 3), protect=0.1, share="layer")


def test_continuous_numbers_print_short(mine: Space) -> None:
    params = {p.name: p.domain.values[0] for p in mine.parameters(RUN)}
    params["full.prune.up_blocks.3.attentions.2"] = 0.123456789
    prune = mine.decode(params, RUN).kinds["full"].prune
    assert prune["up_blocks.3.attentions.2"] == 0.1235


@pytest.mark.parametrize(
    ("prune", "names"),
    [
        ({"kind": "float", "low": 0, "high": 0.5}, ["prune"]),
        ({"kind": "float", "low": 0, "high": 0.5, "per": "level"},
         ["prune.level_0", "prune.level_1", "prune.level_2", "prune.level_3"]),
        ({"level_1": {"kind": "choice", "values": [0, 0.5]}}, ["prune.level_1"]),
        (0.5, []),
    ],
)  # fmt: skip
def test_one_ratio_can_serve_all_layers_a_level_or_each(prune: object, names: list[str]) -> None:
    space = load_space(declared(prune=prune, refresh={"rule": "interval", "interval": 5}))
    assert [p.name for p in space.parameters(RUN)] == names


def test_layers_of_one_ratio_are_written_as_their_level() -> None:
    space = load_space(declared(prune=0.5))
    schedule = space.decode({"refresh.interval": 2}, RUN)
    levels = {"level_0": 0.5, "level_1": 0.5, "level_2": 0.5, "level_3": 0.5}
    assert dict(schedule.kinds["full"].prune) == levels
    assert dict(schedule.kinds["cached"].prune) == {"level_0": 0.5}


def test_an_interval_stops_at_the_end_of_the_run() -> None:
    space = load_space(declared())
    assert space.parameters(run_of(4))[0].domain.values == (2, 3, 4)


def test_one_depth_can_serve_all_calls_of_the_per_call_rule() -> None:
    calls = {"depth": {"kind": "choice", "values": [1, "full"]}, "prune": 0.3}
    config = {"name": "flat", "refresh": {"rule": "per_call"}, "calls": calls}
    space = load_space(config)
    schedule = space.decode({"calls.depth": 1}, run_of(3))
    assert schedule.steps == ("full", "cached", "cached")


def test_kinds_of_one_sort_are_told_apart_by_depth_and_ratio() -> None:
    kinds = [
        Kind("full", {"level_0": 0.5}),
        Kind("full"),
        Kind(1, {"level_0": 0.3}),
        Kind(2, {"level_0": 0.3}),
        Kind(2, {"level_1": 0.3}),
        Kind(0),
    ]
    assert list(name_kinds(kinds).values()) == [
        "full-p50", "full", "cached-1-p30", "cached-2-p30", "cached-2-p30#2", "reuse",
    ]  # fmt: skip
