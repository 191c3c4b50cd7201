"""The grammar of the pocket model: captioned scenes of one or two flat shapes.

    a red circle on a white background
    a red circle left of a blue square on a white background
    a red circle above a blue square on a white background

The captions fall into three disjoint splits (training, search, held out) by a hash of their text,
so that no caption the diffusion model was trained on ever measures it.
"""

import random
import re
import zlib
from dataclasses import dataclass
from typing import Literal

SHAPES = ("circle", "square", "triangle", "ring", "cross")
COLOURS = ("red", "yellow", "green", "cyan", "blue", "purple")
BACKGROUNDS = ("white", "black", "gray", "brown")
LAYOUTS = ("single", "left of", "above")
IMAGE_SIZE = 64  # pixels

Split = Literal["training", "search", "held_out"]
# Of five captions one goes to the searches and one is held out.
_SPLIT_OF_BUCKET: tuple[Split, ...] = ("search", "held_out", "training", "training", "training")
_LAYOUT_WEIGHTS = (2, 3, 3)

_SINGLE_RADIUS = (17.0, 21.0)  # pixels
_PAIR_RADIUS = (11.5, 13.5)
_JITTER = 2.0
_CENTRES: dict[str, tuple[tuple[float, float], ...]] = {
    "single": ((32.0, 32.0),),
    "left of": ((16.5, 32.0), (47.5, 32.0)),
    "above": ((32.0, 16.5), (32.0, 47.5)),
}
_THING = rf"an? ({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})"
_CAPTION = re.compile(
    rf"{_THING}(?: (left of|above) {_THING})? on an? ({'|'.join(BACKGROUNDS)}) background"
)


class CaptionError(ValueError):
    """The text is outside the grammar."""


@dataclass(frozen=True)
class Thing:
    """One object as a caption names it."""

    shape: str
    colour: str


@dataclass(frozen=True)
class Spec:
    """What a caption says. `things` are in reading order: left or top first."""

    background: str
    layout: str
    things: tuple[Thing, ...]

    @property
    def caption(self) -> str:
        """The caption in words; `parse_caption` is its inverse."""
        joined = f" {self.layout} ".join(f"a {t.colour} {t.shape}" for t in self.things)
        return f"{joined} on a {self.background} background"


@dataclass(frozen=True)
class Placement:
    """Where an object lies: its centre and its radius, in pixels of a 64x64 image."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Scene:
    """A caption's content with a placement for each of its objects."""

    spec: Spec
    placements: tuple[Placement, ...]

    @property
    def caption(self) -> str:
        """The caption in words. It says nothing about exact places."""
        return self.spec.caption


def parse_caption(caption: str) -> Spec:
    """Read a caption back. Raises CaptionError for text outside the grammar."""
    match = _CAPTION.fullmatch(caption)
    if match is None:
        raise CaptionError(
            f"The caption is outside the pocket grammar: {caption!r}. Write for example "
            "'a red circle left of a blue square on a white background' "
            f"with colours {COLOURS}, shapes {SHAPES}, backgrounds {BACKGROUNDS}"
        )
    colour, shape, layout, second_colour, second_shape, background = match.groups()
    things = [Thing(shape, colour)]
    if layout is not None:
        things.append(Thing(second_shape, second_colour))
    return Spec(background, layout or "single", tuple(things))


def split_of(caption: str) -> Split:
    """The split that a caption belongs to, for ever the same."""
    return _SPLIT_OF_BUCKET[zlib.crc32(caption.encode()) % len(_SPLIT_OF_BUCKET)]


def sample_scenes(count: int, seed: int, split: Split = "search") -> tuple[Scene, ...]:
    """Draw `count` scenes of a split; the same seed gives the same scenes on every machine."""
    generator = random.Random(seed)
    scenes: list[Scene] = []
    while len(scenes) < count:
        spec = _draw_spec(generator)
        if split_of(spec.caption) == split:
            scenes.append(_place(spec, generator))
    return tuple(scenes)


def _draw_spec(generator: random.Random) -> Spec:
    layout = generator.choices(LAYOUTS, _LAYOUT_WEIGHTS)[0]
    # The objects of a pair differ in colour, so that their colours tell which is which.
    colours = generator.sample(COLOURS, len(_CENTRES[layout]))
    things = tuple(Thing(generator.choice(SHAPES), colour) for colour in colours)
    return Spec(generator.choice(BACKGROUNDS), layout, things)


def _place(spec: Spec, generator: random.Random) -> Scene:
    low, high = _SINGLE_RADIUS if spec.layout == "single" else _PAIR_RADIUS
    placements = tuple(
        Placement(
            x + generator.uniform(-_JITTER, _JITTER),
            y + generator.uniform(-_JITTER, _JITTER),
            generator.uniform(low, high),
        )
        for x, y in _CENTRES[spec.layout]
    )
    return Scene(spec, placements)
