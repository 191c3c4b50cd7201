"""Hypothesis strategies for the values that the whole project passes around."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import get_args

from hypothesis import strategies as st

from dato.preset import Measured, ModelInfo, Preset, Provenance, SamplerInfo
from dato.preset.info import FidTo, Prompts
from dato.schedule import Depth, Forecast, Kind, Quantity, Schedule, Tokens
from dato.slope import Slope
from dato.topology import Layer, Topology

SKIP_BRANCHES = 12

names = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Any text that UTF-8 can hold."""
positives = st.floats(1e-6, 1e6)


@st.composite
def tokens(draw: st.DrawFn) -> Tokens:
    """Token settings with patches of 2 to 16 tokens."""
    patch = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)).filter(lambda p: p != (1, 1)))
    return Tokens(
        patch=patch,
        dynamics_weight=draw(st.floats(0, 10)),
        noise_weight=draw(st.floats(0, 10)),
        protect=draw(st.floats(0, 1)),
        share=draw(st.sampled_from(("level", "layer"))),
    )


@st.composite
def prunes(draw: st.DrawFn, max_ratio: float = 0.75) -> dict[str, float]:
    """Pruning ratios for levels and layers of an SD 1.5-like denoiser."""
    keys = st.sampled_from(["level_0", "level_1", "up_blocks.3.attentions.2", "mid_block"])
    return draw(st.dictionaries(keys, st.floats(0, max_ratio), max_size=3))


@st.composite
def kinds(draw: st.DrawFn, max_ratio: float = 0.75, first: bool = False) -> Kind:
    """One kind; ``first`` asks for a full one."""
    depth: Depth = "full"
    if not first:
        depth = draw(st.just("full") | st.integers(0, SKIP_BRANCHES))  # type: ignore[arg-type]
    forecast: Forecast = "hold" if depth == "full" else draw(st.sampled_from(get_args(Forecast)))
    return Kind(depth, {} if depth == 0 else draw(prunes(max_ratio)), forecast)


def slopes() -> st.SearchStrategy[Slope]:
    """Any slope."""
    shares = st.floats(-4, 4) | st.sampled_from([0.0, 1.0])
    return st.builds(Slope, shares, shares)


@st.composite
def schedules(draw: st.DrawFn, min_calls: int = 1, max_calls: int = 30) -> Schedule:
    """Any valid schedule, with every kind of its codebook in use."""
    chosen = draw(tokens())
    others = draw(st.dictionaries(names, kinds(chosen.max_ratio), max_size=4))
    codebook = {"first": draw(kinds(chosen.max_ratio, first=True)), **others}
    count = draw(st.integers(min_calls, max_calls))
    rest = draw(st.lists(st.sampled_from(sorted(codebook)), min_size=count - 1, max_size=count - 1))
    steps = ("first", *rest)
    used = {name: codebook[name] for name in dict.fromkeys(steps)}
    quantity = draw(st.sampled_from(get_args(Quantity)))
    schedule = Schedule(used, steps, chosen, draw(weights(used, steps)), quantity)
    return schedule.sloped(draw(slopes()))


@st.composite
def weights(
    draw: st.DrawFn, used: Mapping[str, Kind], steps: Sequence[str]
) -> dict[int, tuple[float, ...]]:
    """Weights for every call of a fitted kind, as many as it may have."""
    held = Schedule({name: Kind(kind.depth) for name, kind in used.items()}, tuple(steps))
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    return {
        call: tuple(draw(st.lists(numbers, min_size=1, max_size=len(held.sources(call)))))
        for call, name in enumerate(steps)
        if used[name].forecast == "fitted"
    }


settings = st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | texts


@st.composite
def presets(draw: st.DrawFn) -> Preset:
    """Any valid preset, measured or not."""
    schedule = draw(schedules())
    sizes = st.integers(1, 256)
    digest = st.text("0123456789abcdef", min_size=64, max_size=64)
    measured = st.builds(
        Measured, positives, positives, positives, texts, sizes, positives, positives,
        st.sampled_from(get_args(FidTo)), texts, st.sampled_from(get_args(Prompts)),
        st.integers(0, 10**6),
    )  # fmt: skip
    return Preset(
        name="/".join(draw(st.lists(names, min_size=1, max_size=2))),
        model=ModelInfo(
            id=draw(texts.filter(bool)),
            skip_branches=SKIP_BRANCHES,
            fingerprint=draw(st.just("") | digest.map(lambda text: f"sha256:{text}")),
            latent_size=(draw(sizes), draw(sizes)),
        ),
        sampler=SamplerInfo(
            "DDIMScheduler",
            draw(sizes),
            schedule.calls,
            draw(st.floats(0, 20)),
            draw(st.dictionaries(st.sampled_from(["solver_order", "shift"]), settings)),
        ),
        schedule=schedule,
        measured=draw(st.none() | measured),
        provenance=draw(
            st.builds(
                Provenance,
                texts,
                st.integers(0, 10**6),
                texts,
                st.dictionaries(texts, texts, max_size=3),
            )
        ),
    )


def sd15_topology() -> Topology:
    """Skip branches and self-attention layers of Stable Diffusion 1.5, in running order."""
    down = [
        Layer(f"down_blocks.{block}.attentions.{unit}", block, 3 * block + unit + 1)
        for block in range(3)
        for unit in range(2)
    ]
    up = [
        Layer(f"up_blocks.{block}.attentions.{unit}", 3 - block, 11 - 3 * block - unit)
        for block in range(1, 4)
        for unit in range(3)
    ]
    return Topology(12, (*down, Layer("mid_block.attentions.0", 3, 12), *up))
