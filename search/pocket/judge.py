"""Counts the pictures that show what their captions say, as the feature network reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
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
    both = _read(images, captions, network)
    pairs = [(spec, answer) for spec, answer in both if len(spec.things) == 2]
    return Accuracy(
        background=_share([_background(*each) for each in both]),
        colour=_share([_colour(*each) for each in both]),
        shape=_share([_shape(*each) for each in both]),
        position=_share([_well_placed(*each) for each in pairs]),
    )


def correct(
    images: Tensor, captions: Sequence[str], network: FeatureNetwork | None = None
) -> Tensor:
    """1 for each picture that shows all of its caption, else 0: float32 (n,).

    Args:
        images: uint8 (n, 3, h, w), on the CPU.
    """
    questions = (_background, _colour, _shape, _well_placed)
    right = [
        all(question(*each) for question in questions) for each in _read(images, captions, network)
    ]
    return torch.tensor(right, dtype=torch.float32)


def _read(
    images: Tensor, captions: Sequence[str], network: FeatureNetwork | None
) -> list[tuple[Spec, dict[str, str]]]:
    """What each caption says, and what its picture shows."""
    answers = read(network or load_features(), images)
    return list(zip(map(parse_caption, captions), answers, strict=True))


def _background(spec: Spec, answer: dict[str, str]) -> bool:
    return spec.background == answer["background"]


def _colour(spec: Spec, answer: dict[str, str]) -> bool:
    return _colours(spec.things) == _colours(_seen(answer))


def _shape(spec: Spec, answer: dict[str, str]) -> bool:
    return _shapes(spec.things) == _shapes(_seen(answer))


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
