import math

import pytest
import torch

from search.pocket.captions import (
    BACKGROUNDS,
    COLOURS,
    SHAPES,
    Placement,
    Scene,
    Spec,
    Thing,
    sample_scenes,
)
from search.pocket.render import RGB, render

# Areas in units of radius squared, from geometry.
AREAS = {
    "circle": math.pi,
    "square": 4 * 0.86**2,
    "triangle": 3 * math.sqrt(3) / 4 * 1.15**2,
    "ring": math.pi * (1 - 0.5**2),
    "cross": 4 * (2 * 0.33 - 0.33**2),
}


def one(shape: str, radius: float = 18.0) -> Scene:
    spec = Spec("black", "single", (Thing(shape, "yellow"),))
    return Scene(spec, (Placement(32.0, 32.0, radius),))


def test_rendering_is_the_same_alone_and_in_a_batch() -> None:
    scenes = sample_scenes(12, seed=5)
    images = render(scenes)
    assert images.shape == (12, 3, 64, 64)
    assert images.dtype == torch.uint8
    for scene, image in zip(scenes, images, strict=True):
        assert torch.equal(render([scene])[0], image)


def test_no_scenes_make_no_images() -> None:
    assert render([]).shape == (0, 3, 64, 64)


def test_corners_show_the_background_and_places_their_colours() -> None:
    scenes = sample_scenes(50, seed=6)
    for scene, image in zip(scenes, render(scenes), strict=True):
        assert tuple(image[:, 0, 0].tolist()) == RGB[scene.spec.background]
        for thing, place in zip(scene.spec.things, scene.placements, strict=True):
            if thing.shape != "ring":
                pixel = image[:, int(place.y), int(place.x)]
                assert tuple(pixel.tolist()) == RGB[thing.colour]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_cover_their_area_and_have_soft_edges(shape: str) -> None:
    image = render([one(shape)])[0].float()
    black, yellow = RGB["black"][0], RGB["yellow"][0]
    coverage = (image[0] - black) / (yellow - black)
    assert coverage.sum().item() == pytest.approx(AREAS[shape] * 18.0**2, rel=0.03)
    soft = (coverage > 0.05) & (coverage < 0.95)
    assert soft.any() or shape in ("square", "cross")  # whose edges may fall between pixels


def test_shapes_differ_from_one_another() -> None:
    images = render([one(shape) for shape in SHAPES]).float()
    for i in range(len(SHAPES)):
        for j in range(i):
            assert (images[i] - images[j]).abs().mean() > 5


def test_every_colour_of_the_grammar_is_far_from_every_other() -> None:
    names = (*COLOURS, *BACKGROUNDS)
    for i, first in enumerate(names):
        for second in names[:i]:
            assert math.dist(RGB[first], RGB[second]) > 75, (first, second)
