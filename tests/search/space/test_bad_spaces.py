"""Every mistake of a space is reported at once, with its path, the value and the remedy."""

from __future__ import annotations

import math
from typing import Any

import pytest

from search.errors import ConfigError
from search.space import SpaceContext, load_space
from tests.search.space.worlds import RUN, SD15, declared, shipped


def _interval(**fields: Any) -> dict[str, Any]:
    return {"refresh": {"rule": "interval", "interval": {"kind": "int", **fields}}}


def _ratio(**fields: Any) -> dict[str, Any]:
    return {"prune": {"finest": {"kind": "float", **fields}}}


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"name": None}, "name", "Add name"),
    ({"cachd": {}}, "cachd", "Did you mean 'cached'"),
    ({"cached": {"dept": 1}}, "cached.dept", "Did you mean 'depth'"),
    ({"cached": {}}, "cached.depth", "missing"),
    ({"cached": 3}, "cached", "table"),
    ({"cached": {"depth": "full"}}, "cached.depth", "'full'"),
    ({"cached": {"depth": True}}, "cached.depth", "True"),
    ({"cached": {"depth": {"kind": "float", "low": 1, "high": 2}}}, "cached.depth", "integer"),
    ({"cached": {"depth": 1, "reuse": 1.5}}, "cached.reuse", "1.5"),
    ({"cached": {"depth": {"kind": "int", "low": 1, "high": 2, "per": "call"}}},
     "cached.depth.per", "Remove per"),
    ({"refresh": {"rule": "intervall"}}, "refresh.rule", "Did you mean 'interval'"),
    ({"refresh": {"rule": "drift", "interval": 2}}, "refresh.interval", "threshold"),
    ({"refresh": {"rule": "drift"}}, "refresh.threshold", "missing"),
    ({"refresh": {"rule": "per_call"}}, "cached", "calls"),
    (_interval(low=2), "refresh.interval.high", "Add high"),
    (_interval(low=5, high=2), "refresh.interval", "Swap"),
    (_interval(low=0, high=2), "refresh.interval", "Found: 0"),
    (_interval(low=2.0, high=9), "refresh.interval.low", "an integer"),
    (_interval(low=2, high=10**400), "refresh.interval.high", "an integer"),
    ({"tokens": {"noise_weight": 10**400}}, "tokens.noise_weight", "from 0 on"),
    (_interval(low=True, high=9), "refresh.interval.low", "an integer"),
    (_interval(low=2, high=9, step=0), "refresh.interval.step", "above 0"),
    (_interval(low=2, high=9, step=2), "refresh.interval", "whole number of steps"),
    (_interval(low=1, high=10**12), "refresh.interval", "at most 10,000 values"),
    ({"cached": {"depth": {"kind": "int", "low": 0, "high": 10**300}}}, "cached.depth",
     "Lower high"),
    ({"tokens": {"noise_weight": {"kind": "float", "low": 0, "high": 1e308, "step": 1e-300}}},
     "tokens.noise_weight", "raise step"),
    (_interval(low=2, high=8, step=2, log=True), "refresh.interval.step", "no step"),
    (_interval(low=2, high=9, log="yes"), "refresh.interval.log", "true or false"),
    (_interval(low=2, high=9, values=[1]), "refresh.interval.values", "Unknown key"),
    (_interval(low=2, high=9, kind="integer"), "refresh.interval.kind", "Did you mean 'int'"),
    (_interval(low=2, high=9, kind=["int"]), "refresh.interval.kind", "Unknown kind of parameter"),
    (_interval(low=2, high=9, kind={"int": 1}), "refresh.interval.kind", "Valid: int, float"),
    ({"tokens": {"protect": {"kind": ["float"]}}}, "tokens.protect.kind", "Found: ['float']"),
    ({"forecast": "linear"}, "forecast", "table"),
    ({"forecast": {"cuts": "linear"}}, "forecast.cuts", "Did you mean 'cut'"),
    ({"forecast": {"cut": "lineer"}}, "forecast.cut", "lineer"),
    ({"forecast": {"cut": {"kind": "choice", "values": ["hold", 1]}}}, "forecast.cut", "Found: 1"),
    ({"forecast": {"output": {"kind": "choice", "values": ["hold"], "per": "call"}}},
     "forecast.output.per", "Remove per"),
    ({"forecast": {"quantity": "v"}}, "forecast.quantity", "epsilon"),
    ({"between": [0.3, 0.7]}, "between", "table"),
    ({"between": {"cache": [0.3, 0.7]}}, "between.cache", "Did you mean 'cached'"),
    ({"between": {"cached": 0.3}}, "between.cached", "Write [0.3, 0.7]"),
    ({"between": {"cached": [0.3]}}, "between.cached", "two shares"),
    ({"between": {"cached": [0.7, 0.3]}}, "between.cached", "every start be less"),
    ({"between": {"prune": [0.5, 0.5]}}, "between.prune", "Found: [0.5, 0.5]"),
    ({"between": {"prune": [{"kind": "float", "low": 0.0, "high": 0.6}, 0.5]}}, "between.prune",
     "Found: [0.6, 0.5]"),
    ({"between": {"forecast": [15, 35]}}, "between.forecast.end", "Found: 35"),
    ({"between": {"forecast": [-0.1, 1]}}, "between.forecast.start", "from 0 to 1"),
    ({"between": {"forecast": ["0.1", 1]}}, "between.forecast.start", "'0.1'"),
    ({"between": {"forecast": [{"kind": "choice", "values": [0.1, "half"]}, 1]}},
     "between.forecast.start", "'half'"),
    ({"between": {"cached": [0, {"kind": "float", "low": 0.5, "high": 1, "per": "call"}]}},
     "between.cached.end.per", "Remove per"),
    ({"refresh": {"rule": "planned"}}, "refresh.full_calls", "missing"),
    (_interval(kind="choice"), "refresh.interval.values", "values: [...]"),
    (_interval(kind="choice", values=[2, 2]), "refresh.interval.values", "Found: 2"),
    (_interval(kind="choice", values=[2, None]), "refresh.interval.values", "None"),
    (_ratio(low=0, high=0.9), "prune.finest", "0.75"),
    (_ratio(low=0, high=math.nan), "prune.finest.high", "nan"),
    (_ratio(low="0", high=0.5), "prune.finest.low", "without quotes"),
    (_ratio(low=0, high=0.5, log=True), "prune.finest.low", "above 0"),
    (_ratio(low=0, high=0.5, per="call"), "prune.finest.per", "layer"),
    (_ratio(low=0, high=0.5, per="level"), "prune.finest.per", "layer"),
    ({"prune": -0.1}, "prune", "-0.1"),
    ({"prune": {"levl_0": 0.5}}, "prune.levl_0", "Did you mean 'level_0'"),
    ({"full": {"prune": 0.1}, "cached": {"depth": 1, "prune": 0.1}}, "prune", "Remove it"),
    ({"tokens": {"patch": [1, 1]}}, "tokens.patch", "[2, 2]"),
    ({"tokens": {"share": "levle"}}, "tokens.share", "levle"),
    ({"tokens": {"protect": 2}}, "tokens.protect", "Found: 2"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "path", "text"), BAD)
def test_a_mistake_is_named_with_its_path_and_remedy(
    changes: dict[str, Any], path: str, text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_space(declared(**changes))
    found = [problem for problem in caught.value.problems if problem.startswith(f"{path}: ")]
    assert found, caught.value.problems
    assert text in found[0]


def test_all_mistakes_are_reported_at_once() -> None:
    tokens = {"protect": -1, "noise_weight": {"kind": ["float"]}}
    config = declared(cachd={}, tokens=tokens, **_interval(low=5, high=2))
    config["prune"] = {"finest": {"kind": "float", "low": 0, "high": 0.9}}
    config["between"] = {"cached": [0.7, 0.3], "prune": [True, 2]}
    with pytest.raises(ConfigError) as caught:
        load_space(config)
    paths = {problem.split(": ")[0] for problem in caught.value.problems}
    assert paths == {
        "cachd", "tokens.protect", "tokens.noise_weight.kind", "refresh.interval", "prune.finest",
        "between.cached", "between.prune.start", "between.prune.end",
    }  # fmt: skip


MISFITS: list[tuple[dict[str, Any], str, str]] = [
    ({"cached": {"depth": {"kind": "int", "low": 1, "high": 13}}}, "cached.depth", "Stop at 12"),
    ({"prune": {"level_7": 0.5}}, "prune.level_7", "level_0"),
    ({"prune": {"up_blocks.3.attentions.3": 0.5}}, "prune.up_blocks.3.attentions.3",
     "Did you mean 'up_blocks.3.attentions."),
    ({"prune": {"finest": 0.5, "level_0": 0.4}}, "prune.finest", "Remove"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "path", "text"), MISFITS)
def test_what_the_model_lacks_is_reported_when_they_meet(
    changes: dict[str, Any], path: str, text: str
) -> None:
    space = load_space(declared(**changes))
    with pytest.raises(ConfigError) as caught:
        space.parameters(RUN)
    assert caught.value.problems[0].startswith(f"{path}: ")
    assert text in caught.value.problems[0]
    with pytest.raises(ConfigError) as before:
        space.check(SD15)
    assert before.value.problems == caught.value.problems


def test_the_drift_rule_needs_a_drift() -> None:
    still = SpaceContext(10, SD15, (0.0,) * 10)
    with pytest.raises(ConfigError, match="reference run"):
        shipped("dynamics").parameters(still)


@pytest.mark.parametrize("drift", [(0.0,) * 9, (0.0, math.nan), (0.0, -1.0)])
def test_a_broken_drift_is_refused(drift: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="drift"):
        SpaceContext(2, SD15, drift)


def test_parameters_of_another_space_are_refused() -> None:
    space = load_space(declared(cached={"depth": {"kind": "int", "low": 1, "high": 3}}))
    with pytest.raises(ConfigError) as caught:
        space.decode({"refresh.interval": 99, "prune.level_0": 0.55, "old": 1}, RUN)
    paths = [problem.split(": ")[0] for problem in caught.value.problems]
    assert paths == ["refresh.interval", "cached.depth", "prune.level_0", "old"]
