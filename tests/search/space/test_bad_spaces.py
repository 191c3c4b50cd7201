"""Every mistake of a space is reported at once: its path, then the fault with the value, then the
remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from search.errors import ConfigError
from search.space import SpaceContext, load_space
from search.wording import listed, shown
from tests.search.space.worlds import RUN, SD15, declared, shipped


def _interval(**fields: Any) -> dict[str, Any]:
    return {"refresh": {"rule": "interval", "interval": {"kind": "int", **fields}}}


def _ratio(**fields: Any) -> dict[str, Any]:
    return {"prune": {"finest": {"kind": "float", **fields}}}


HUGE = f"1{'0' * 76}..."
LEVELS = [f"level_{level}" for level in SD15.levels]
LAYERS = listed([*LEVELS, *(layer.name for layer in SD15.layers)])
ONE_MISTAKE = re.compile(r"(?P<path>[\w.]+): (?P<fault>.+)\. (?P<remedy>[A-Z].+)\.")

BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": None},
     "name: the space has no name. Add name: my_space."),
    ({"cachd": {}},
     "cachd: 'cachd' is no key here. Did you mean 'cached'? Choose name, refresh, cached, "
     "full, prune, forecast, between, tokens or base."),
    ({"cached": {"dept": 1}},
     "cached.dept: 'dept' is no key here. Did you mean 'depth'? Choose depth, reuse or prune."),
    ({"cached": {}},
     "cached.depth: cached has no depth. Add an integer from 0 on."),
    ({"cached": 3},
     "cached: 3 is no table of keys. Write cached: {...}."),
    ({"cached": {"depth": "full"}},
     "cached.depth: 'full' cannot be a depth between full calls. Write an integer from 0 on, "
     "or {kind: ...}."),
    ({"cached": {"depth": True}},
     "cached.depth: True cannot be a depth between full calls. Write an integer from 0 on, or "
     "{kind: ...}."),
    ({"cached": {"depth": {"kind": "float", "low": 1, "high": 2}}},
     "cached.depth: 1.0 is no integer. Let every value be an integer from 0 on."),
    ({"cached": {"depth": 1, "reuse": 1.5}},
     "cached.reuse: 1.5 is too large for a share of calls. Write a number from 0 to 1, or "
     "{kind: ...}."),
    ({"cached": {"depth": {"kind": "int", "low": 1, "high": 2, "per": "call"}}},
     "cached.depth.per: this parameter cannot be repeated per call. Remove per."),
    ({"refresh": {"rule": "intervall"}},
     "refresh.rule: 'intervall' is no refresh rule. Did you mean 'interval'? Choose interval, "
     "drift, planned or per_call."),
    ({"refresh": {"rule": "drift", "interval": 2}},
     "refresh.interval: 'interval' is no key here. Choose rule or threshold."),
    ({"refresh": {"rule": "drift"}},
     "refresh.threshold: refresh has no threshold. Add a number from 0 to 1."),
    ({"refresh": {"rule": "per_call"}},
     "cached: 'cached' is no key here. Choose name, refresh, calls, forecast, between, tokens "
     "or base."),
    (_interval(low=2),
     "refresh.interval.high: the range has no high. Add high."),
    (_interval(low=5, high=2),
     "refresh.interval: low=5 is above high=2. Swap them."),
    (_interval(low=0, high=2),
     "refresh.interval: 0 is too small for an interval. Let every value be an integer from 1 "
     "on."),
    (_interval(low=2.0, high=9),
     "refresh.interval.low: 2.0 is not an integer. Write an integer, without quotes."),
    (_interval(low=2, high=10**400),
     f"refresh.interval.high: {HUGE} is not an integer. Write an integer, without quotes."),
    ({"tokens": {"noise_weight": 10**400}},
     f"tokens.noise_weight: {HUGE} is not a finite number. Write a number from 0 on, "
     "or {kind: ...}."),
    (_interval(low=True, high=9),
     "refresh.interval.low: True is not an integer. Write an integer, without quotes."),
    (_interval(low=2, high=9, step=0),
     "refresh.interval.step: 0 is too small for a step. Write a number above 0, or remove it."),
    (_interval(low=2, high=9, step=2),
     "refresh.interval: steps of 2 from low=2 miss high=9. Change high or step."),
    (_interval(low=1, high=10**12),
     "refresh.interval: from 1 to 1000000000000 by 1 are more than 10,000 values. Lower high, "
     "or raise step."),
    ({"cached": {"depth": {"kind": "int", "low": 0, "high": 10**300}}},
     f"cached.depth: from 0 to {HUGE} by 1 are more than 10,000 values. Lower high, or raise "
     "step."),
    ({"tokens": {"noise_weight": {"kind": "float", "low": 0, "high": 1e308, "step": 1e-300}}},
     "tokens.noise_weight: from 0 to 1e+308 by 1e-300 are more than 10,000 values. Lower high,"
     " or raise step."),
    (_interval(low=2, high=8, step=2, log=True),
     "refresh.interval.step: the log range has the step 2. Remove log or step."),
    (_interval(low=2, high=9, log="yes"),
     "refresh.interval.log: 'yes' is neither true nor false. Write true or false."),
    (_interval(low=2, high=9, values=[1]),
     "refresh.interval.values: 'values' is no key here. Choose kind, low, high, step, log or "
     "per."),
    (_interval(low=2, high=9, kind="integer"),
     "refresh.interval.kind: 'integer' is no kind of parameter. Did you mean 'int'? Choose "
     "int, float or choice."),
    (_interval(low=2, high=9, kind=["int"]),
     "refresh.interval.kind: ['int'] is no kind of parameter. Did you mean 'int'? Choose int, "
     "float or choice."),
    (_interval(low=2, high=9, kind={"int": 1}),
     "refresh.interval.kind: {'int': 1} is no kind of parameter. Choose int, float or choice."),
    ({"tokens": {"protect": {"kind": ["float"]}}},
     "tokens.protect.kind: ['float'] is no kind of parameter. Did you mean 'float'? Choose "
     "int, float or choice."),
    ({"forecast": "linear"},
     "forecast: 'linear' is no table of keys. Write forecast: {...}."),
    ({"forecast": {"cuts": "linear"}},
     "forecast.cuts: 'cuts' is no key here. Did you mean 'cut'? Choose output, cut, quantity "
     "or slope."),
    ({"forecast": {"cut": "lineer"}},
     "forecast.cut: 'lineer' cannot be a forecast. Did you mean 'linear'? Write \"hold\", "
     '"linear" or "fitted", or {kind: ...}.'),
    ({"forecast": {"cut": {"kind": "choice", "values": ["hold", 1]}}},
     'forecast.cut: 1 cannot be a forecast. Let every value be "hold", "linear" or "fitted".'),
    ({"forecast": {"output": {"kind": "choice", "values": ["hold"], "per": "call"}}},
     "forecast.output.per: this parameter cannot be repeated per call. Remove per."),
    ({"forecast": {"quantity": "v"}},
     "forecast.quantity: 'v' cannot be a held quantity. Write \"epsilon\" or \"output\", or {kind:"
     " ...}."),
    ({"between": [0.3, 0.7]},
     "between: [0.3, 0.7] is no table of keys. Write between: {...}."),
    ({"between": {"cache": [0.3, 0.7]}},
     "between.cache: 'cache' is no key here. Did you mean 'cached'? Choose cached, prune or "
     "forecast."),
    ({"between": {"cached": 0.3}},
     "between.cached: 0.3 is not the start and the end of a range. Write two shares of the "
     "run, such as [0.3, 0.7]."),
    ({"between": {"cached": [0.3]}},
     "between.cached: [0.3] is not the start and the end of a range. Write two shares of the "
     "run, such as [0.3, 0.7]."),
    ({"between": {"cached": [0.7, 0.3]}},
     "between.cached: a range from 0.7 to 0.3 holds no call. Let every start be less than "
     "every end."),
    ({"between": {"prune": [0.5, 0.5]}},
     "between.prune: a range from 0.5 to 0.5 holds no call. Let every start be less than every"
     " end."),
    ({"between": {"prune": [{"kind": "float", "low": 0.0, "high": 0.6}, 0.5]}},
     "between.prune: a range from 0.6 to 0.5 holds no call. Let every start be less than every"
     " end."),
    ({"between": {"forecast": [15, 35]}},
     "between.forecast.end: 35 is too large for a share of the run. Write a number from 0 to "
     "1, or {kind: ...}."),
    ({"between": {"forecast": [-0.1, 1]}},
     "between.forecast.start: -0.1 is too small for a share of the run. Write a number from 0 "
     "to 1, or {kind: ...}."),
    ({"between": {"forecast": ["0.1", 1]}},
     "between.forecast.start: '0.1' cannot be a share of the run. Write a number from 0 to 1, "
     "or {kind: ...}."),
    ({"between": {"forecast": [{"kind": "choice", "values": [0.1, "half"]}, 1]}},
     "between.forecast.start: 'half' cannot be a share of the run. Let every value be a number"
     " from 0 to 1."),
    ({"between": {"cached": [0, {"kind": "float", "low": 0.5, "high": 1, "per": "call"}]}},
     "between.cached.end.per: this parameter cannot be repeated per call. Remove per."),
    ({"refresh": {"rule": "planned"}},
     "refresh.full_calls: refresh has no full_calls. Add an integer from 1 on."),
    (_interval(kind="choice"),
     "refresh.interval.values: the choice has no values. Write values: [...] with at least "
     "one."),
    (_interval(kind="choice", values=[2, 2]),
     "refresh.interval.values: 2 is listed twice. Remove one of them."),
    (_interval(kind="choice", values=[2, None]),
     "refresh.interval.values: None is neither a number nor a word. Remove it."),
    (_ratio(low=0, high=0.9),
     "prune.finest: 0.9 is too large for a pruning ratio: one token of each 2 x 2 patch stays."
     " Let every value be a number from 0 to 0.75."),
    (_ratio(low=0, high=math.nan),
     "prune.finest.high: nan is not a finite number. Write a finite number, without quotes."),
    (_ratio(low="0", high=0.5),
     "prune.finest.low: '0' is not a finite number. Write a finite number, without quotes."),
    (_ratio(low=0, high=0.5, log=True),
     "prune.finest.low: 0 is too small for a log range. Write a number above 0, or remove log."),
    (_ratio(low=0, high=0.5, per="call"),
     "prune.finest.per: this parameter cannot be repeated per call. Choose layer."),
    (_ratio(low=0, high=0.5, per="level"),
     "prune.finest.per: this parameter cannot be repeated per level. Choose layer."),
    ({"prune": -0.1},
     "prune: -0.1 is too small for a pruning ratio: one token of each 2 x 2 patch stays. Write"
     " a number from 0 to 0.75, or {kind: ...}."),
    ({"prune": {"levl_0": 0.5}},
     "prune.levl_0: 'levl_0' is no level or layer. Did you mean 'level_0'? Choose finest, "
     "level_0, level_1, level_2 or a layer's name."),
    ({"full": {"prune": 0.1}, "cached": {"depth": 1, "prune": 0.1}},
     "prune: this prune reaches no call, because cached and full each have one. Remove one of "
     "the three."),
    ({"tokens": {"patch": [1, 1]}},
     "tokens.patch: the patch [1, 1] is too small: it needs two tokens. Write [2, 2]."),
    ({"tokens": {"share": "levle"}},
     "tokens.share: 'levle' cannot be a way to share plans. Did you mean 'level'? Write "
     '"level" or "layer", or {kind: ...}.'),
    ({"tokens": {"protect": 2}},
     "tokens.protect: 2 is too large for a share of tokens. Write a number from 0 to 1, or "
     "{kind: ...}."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_a_mistake_is_its_path_the_fault_and_the_remedy(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_space(declared(**changes))
    assert sentence in caught.value.problems
    for problem in caught.value.problems:
        assert ONE_MISTAKE.fullmatch(problem), problem


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_the_fault_names_the_value_or_what_is_missing(
    changes: dict[str, Any], sentence: str
) -> None:
    parts = ONE_MISTAKE.fullmatch(sentence)
    assert parts is not None
    *_, last = parts["path"].split(".")
    values = [*map(shown, _values(changes)), last]
    assert any(value in parts["fault"] for value in values), sentence


def _values(tree: object) -> Iterator[object]:
    """The tree and everything in it."""
    yield tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values(value)


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


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"cached": {"depth": {"kind": "int", "low": 1, "high": 13}}},
     "cached.depth: depth 13 is too large: this denoiser has 12 skip branches. Stop at 12."),
    ({"prune": {"level_7": 0.5}},
     "prune.level_7: 'level_7' is no level or layer of this denoiser. Did you mean 'level_0'? "
     f"Choose {LAYERS}."),
    ({"prune": {"up_blocks.3.attentions.3": 0.5}},
     "prune.up_blocks.3.attentions.3: 'up_blocks.3.attentions.3' is no level or layer of this "
     f"denoiser. Did you mean 'up_blocks.3.attentions.0'? Choose {LAYERS}."),
    ({"prune": {"finest": 0.5, "level_0": 0.4}},
     "prune.finest: finest is level_0 on this denoiser, which the table also names. Remove "
     "finest or level_0."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), MISFITS)
def test_what_the_model_lacks_is_reported_when_they_meet(
    changes: dict[str, Any], sentence: str
) -> None:
    space = load_space(declared(**changes))
    with pytest.raises(ConfigError) as caught:
        space.parameters(RUN)
    assert caught.value.problems == (sentence,)
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
