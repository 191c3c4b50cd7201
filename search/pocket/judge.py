"""Counts the pictures that show what their captions say, as the feature network reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from search.pocket.captions import Spec, Thing, parse_caption
from search.pocket.features import NONE, FeatureNetwork, read
from search.pocket.model import load_features


@dataclass(frozen=True)
class Accuracy:
    """Shares of pictures, 0 to 1.

    background: pictures whose background is right. colour, shape: pictures in which every object's
    is right. position: pictures of pairs whose objects lie as the caption says; 1 without pairs.
    """

    background: float
    colour: float
    shape: float
    position: float


def judge(
    images: Tensor, captions: Sequence[str], network: FeatureNetwork | None = None
) -> Accuracy:
    """Judge images: uint8 (n, 3, h, w) against their n captions."""
    if len(images) != len(captions) or not captions:
        raise ValueError(
            f"There is not one caption for each image: {len(images)} images, {len(captions)} "
            "captions."
        )
    specs = [parse_caption(caption) for caption in captions]
    answers = read(network or load_features(), images)
    both = list(zip(specs, answers, strict=True))
    pairs = [(spec, answer) for spec, answer in both if len(spec.things) == 2]
    return Accuracy(
        background=_share([s.background == a["background"] for s, a in both]),
        colour=_share([_colours(s.things) == _colours(_seen(a)) for s, a in both]),
        shape=_share([_shapes(s.things) == _shapes(_seen(a)) for s, a in both]),
        position=_share([_well_placed(spec, answer) for spec, answer in pairs]),
    )


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 1.0


def _seen(answer: dict[str, str]) -> tuple[Thing, Thing]:
    return (
        Thing(answer["first_shape"], answer["first_colour"]),
        Thing(answer["second_shape"], answer["second_colour"]),
    )


def _colours(things: Sequence[Thing]) -> list[str]:
    return [thing.colour for thing in things if thing.colour != NONE]


def _shapes(things: Sequence[Thing]) -> list[str]:
    return [thing.shape for thing in things if thing.shape != NONE]


def _well_placed(spec: Spec, answer: dict[str, str]) -> bool:
    """The layout is right, and swapping the objects would not agree better with the caption."""
    first, second = _seen(answer)
    in_order = _agreement(spec.things, (first, second))
    swapped = _agreement(spec.things, (second, first))
    return answer["layout"] == spec.layout and in_order >= swapped


def _agreement(said: Sequence[Thing], seen: Sequence[Thing]) -> int:
    return sum(
        (a.shape == b.shape) + (a.colour == b.colour) for a, b in zip(said, seen, strict=False)
    )
