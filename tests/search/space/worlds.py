"""Models, runs and assignments that the tests of the spaces share."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from omegaconf import OmegaConf

import conf
from dato import Layer, Topology
from dato.schedule import Depth, Forecast
from search.space import Space, SpaceContext, load_space

FOLDER = Path(str(conf.__file__)).parent / "space"
SHIPPED = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def _sd15() -> Topology:
    """SD 1.5: level 0 outermost, the middle block last."""
    down = [
        Layer(f"down_blocks.{block}.attentions.{index}", block, 3 * block + index + 1)
        for block in range(3)
        for index in range(2)
    ]
    up = [
        Layer(f"up_blocks.{block}.attentions.{index}", 3 - block, 3 * (3 - block) + 2 - index)
        for block in range(1, 4)
        for index in range(3)
    ]
    return Topology(12, (*down, Layer("mid_block.attentions.0", 3, 12), *up))


def _sdxl() -> Topology:
    """SDXL: no self-attention on level 0, so that depths up to 3 run none."""
    names = [("down_blocks.1.attentions.0", 1, 4), ("down_blocks.1.attentions.1", 1, 5)]
    names += [("down_blocks.2.attentions.0", 2, 7), ("down_blocks.2.attentions.1", 2, 8)]
    names += [("mid_block.attentions.0", 2, 9)]
    names += [(f"up_blocks.0.attentions.{index}", 2, 8 - index) for index in range(3)]
    names += [(f"up_blocks.1.attentions.{index}", 1, 5 - index) for index in range(3)]
    return Topology(9, tuple(Layer(*name) for name in names))


SD15, SDXL = _sd15(), _sdxl()


@cache
def run_of(calls: int, topology: Topology = SD15) -> SpaceContext:
    """A run whose drift is high at its ends, as measured runs' is."""
    middle = calls / 2
    drift = [0.1 + 0.4 * math.exp(-(middle - abs(call - middle)) / 4) for call in range(calls)]
    return SpaceContext(calls, topology, (0.0, *drift[1:]))


RUN = run_of(50)


def fitting(calls: int) -> SpaceContext:
    """A run with a calibration, whose weights are as good as any."""
    return replace(run_of(calls), weights=_weights)


def _weights(
    depths: Sequence[Depth], forecasts: Sequence[Forecast]
) -> Mapping[int, tuple[float, ...]]:
    return {call: (0.5,) for call, own in enumerate(forecasts) if own == "fitted"}


@cache
def shipped(name: str) -> Space:
    """The space of ``conf/space/<name>.yaml``."""
    return load_yaml(FOLDER / f"{name}.yaml")


def load_yaml(path: Path) -> Space:
    """The space that a YAML file declares."""
    plain: Any = OmegaConf.to_container(OmegaConf.load(path))
    return load_space(plain)


def assignments(space: Space, context: SpaceContext) -> st.SearchStrategy[dict[str, Any]]:
    """Values of all parameters of ``space``."""
    own = {p.name: st.sampled_from(p.domain.values) for p in space.parameters(context)}
    return st.fixed_dictionaries(own)


def random_assignments(space: Space, context: SpaceContext, count: int) -> list[dict[str, Any]]:
    """``count`` assignments, the same each time."""
    dice = random.Random(0)
    parameters = space.parameters(context)
    return [{p.name: dice.choice(p.domain.values) for p in parameters} for _ in range(count)]


def declared(**changes: Any) -> dict[str, Any]:
    """A small correct space, with ``changes`` of top-level keys (``None`` removes one)."""
    base: dict[str, Any] = {
        "name": "mine",
        "refresh": {"rule": "interval", "interval": {"kind": "int", "low": 2, "high": 9}},
        "cached": {"depth": 1},
        "prune": {"finest": {"kind": "float", "low": 0.0, "high": 0.6, "step": 0.2}},
    }
    merged: Mapping[str, Any] = {**base, **changes}
    return {key: value for key, value in merged.items() if value is not None}
