"""Hypothesis strategies for spaces: any refresh rule, any domains, any prune tables."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from dato import Layer, Topology

Config = dict[str, Any]
FORECASTS = ("hold", "linear", "fitted")


def _number(low: float, high: float, digits: int = 3) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda value: round(value, digits))


@st.composite
def ranges(draw: st.DrawFn, low: float, high: float) -> Any:
    """A constant, a continuous range, one with a step, or a choice, from ``low`` to ``high``."""
    whole = ["whole"] if high - low >= 1 else []
    form = draw(st.sampled_from(["constant", "continuous", "log", "step", "choice", *whole]))
    if form == "whole":
        return {"kind": "int", "low": math.ceil(low), "high": math.floor(high)}
    if form == "constant":
        return draw(_number(low, high))
    if form == "choice":
        values = draw(st.lists(_number(low, high), min_size=1, max_size=4, unique=True))
        return {"kind": "choice", "values": values}
    if form == "step":
        count = draw(st.integers(1, 10))
        return {"kind": "float", "low": low, "high": high, "step": (high - low) / count}
    start, stop = sorted((draw(_number(low, high)), draw(_number(low, high))))
    log = form == "log" and start > 0
    return {"kind": "float", "low": start, "high": stop, "log": log}


@st.composite
def integers(draw: st.DrawFn, low: int, high: int) -> Any:
    """A constant, a range or a choice of integers."""
    form = draw(st.sampled_from(["constant", "range", "choice"]))
    if form == "constant":
        return draw(st.integers(low, high))
    if form == "choice":
        values = draw(st.lists(st.integers(low, high), min_size=1, max_size=4, unique=True))
        return {"kind": "choice", "values": values}
    start = draw(st.integers(low, high))
    step, count = draw(st.integers(1, 3)), draw(st.integers(0, 8))
    return {"kind": "int", "low": start, "high": start + step * count, "step": step}


@st.composite
def prunes(draw: st.DrawFn, topology: Topology, per_call: bool = False) -> Any:
    """A prune table: one entry for all layers, or some for levels and layers."""
    call = st.sampled_from([{}, {"per": "call"}]) if per_call else st.just({})

    def entry(*per: str) -> Any:
        own = draw(ranges(0.0, 0.7))
        repeated = draw(st.sampled_from([{}, *({"per": name} for name in per)]) | call)
        return own | repeated if isinstance(own, dict) else own

    if draw(st.booleans()):
        return entry("layer", "level")
    levels = [f"level_{level}" for level in topology.levels[1:]]
    names = ["finest", *levels, *(layer.name for layer in topology.layers)]
    chosen = draw(st.lists(st.sampled_from(names), max_size=4, unique=True))
    return {name: entry() if "." in name else entry("layer") for name in chosen}


@st.composite
def spaces(draw: st.DrawFn, topology: Topology) -> Config:
    """A correct space for a model."""
    rule = draw(st.sampled_from(["interval", "drift", "planned", "per_call"]))
    depths = integers(0, topology.skip_branches - 1).map(lambda own: _capped(own, topology))
    refresh: Config = {"rule": rule}
    config: Config = {"name": "random", "refresh": refresh}
    if rule == "per_call":
        depth = draw(depths | st.just({"kind": "choice", "values": [0, 1, 3, "full"]}))
        if isinstance(depth, dict) and draw(st.booleans()):
            depth = depth | {"per": "call"}
        config["calls"] = {"depth": depth, "prune": draw(prunes(topology, per_call=True))}
    else:
        config["cached"] = {"depth": draw(depths)}
        if draw(st.booleans()):
            config["cached"]["reuse"] = draw(ranges(0.0, 1.0))
        for group in draw(st.sets(st.sampled_from(["cached", "full"]), max_size=2)):
            config.setdefault(group, {})["prune"] = draw(prunes(topology))
        if "prune" not in config["cached"]:
            config["prune"] = draw(prunes(topology))
    if rule == "interval":
        refresh["interval"] = draw(integers(1, 100))
        if draw(st.booleans()):
            refresh["bias"] = draw(ranges(0.1, 10.0))
    if rule == "drift":
        refresh["threshold"] = draw(ranges(0.0, 1.0))
    if rule == "planned":
        refresh["full_calls"] = draw(integers(1, 100))
    named = draw(st.sets(st.sampled_from(["output", "cut"])))
    if named:
        config["forecast"] = {name: draw(_words(*FORECASTS)) for name in sorted(named)}
        if draw(st.booleans()):
            config["forecast"]["quantity"] = draw(_words("epsilon", "output"))
        if draw(st.booleans()):
            live = _forecasts_lines(config)
            share = ranges if live else _number  # one that is searched for nothing is a mistake
            ends = {"early": draw(share(0.0, 1.6)), "late": draw(share(0.0, 2.0))}
            config["forecast"]["slope"] = ends
    if draw(st.booleans()):
        config["tokens"] = draw(tokens())
    limited = draw(st.sets(st.sampled_from(["cached", "prune", "forecast"])))
    if limited:
        config["between"] = {name: draw(shares()) for name in sorted(limited)}
    return config


@st.composite
def shares(draw: st.DrawFn) -> Any:
    """The two ends of a range, each a constant or searched, that never meet."""
    low, high = sorted(draw(st.sets(st.integers(0, 20), min_size=2, max_size=2)))
    middle = draw(st.integers(low, high - 1))
    ends = [draw(ranges(low / 20, middle / 20)) if low < middle else low / 20]
    return [*ends, draw(ranges((middle + 1) / 20, high / 20)) if middle + 1 < high else high / 20]


@st.composite
def tokens(draw: st.DrawFn) -> Config:
    """Some of the settings of token selection."""
    settings: Config = {
        "protect": ranges(0.0, 1.0),
        "dynamics_weight": ranges(0.0, 3.0),
        "noise_weight": ranges(0.0, 3.0),
        "share": _words("level", "layer"),
        "patch": st.sampled_from([[2, 2], [2, 3], [4, 4]]),
    }
    named = draw(st.sets(st.sampled_from(sorted(settings))))
    return {name: draw(settings[name]) for name in sorted(named)}


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """A denoiser with a middle of its own, self-attention wherever it likes."""
    branches = draw(st.integers(3, 14))
    places = draw(
        st.lists(st.tuples(st.integers(0, 3), st.integers(1, branches)), min_size=1, max_size=8)
    )
    layers = [
        Layer(f"blocks.{index}", level, branch) for index, (level, branch) in enumerate(places)
    ]
    return Topology(branches, tuple(layers))


def _words(*words: str) -> st.SearchStrategy[Any]:
    chosen = st.lists(st.sampled_from(words), min_size=1, unique=True)
    choices = chosen.map(lambda values: {"kind": "choice", "values": values})
    return choices | st.sampled_from(words)


def _forecasts_lines(config: Config) -> bool:
    """Whether calls of a space may forecast the output on a straight line."""
    output = config["forecast"].get("output", "hold")
    linear = "linear" in (output["values"] if isinstance(output, dict) else [output])
    depth = config["cached" if "cached" in config else "calls"]["depth"]
    values = depth.get("values", [depth.get("low")]) if isinstance(depth, dict) else [depth]
    return linear and 0 in values


def _capped(depth: Any, topology: Topology) -> Any:
    """A range of depths without those that the model lacks."""
    if isinstance(depth, dict) and depth["kind"] == "int":
        count = (topology.skip_branches - depth["low"]) // depth["step"]
        high = min(depth["high"], depth["low"] + count * depth["step"])
        return depth | {"high": high}
    return depth
