import pytest

from search.pocket.captions import (
    BACKGROUNDS,
    COLOURS,
    SHAPES,
    CaptionError,
    Split,
    parse_caption,
    sample_scenes,
    split_of,
)

SPLITS: tuple[Split, ...] = ("training", "search", "held_out")


def test_sampling_is_determined_by_the_seed() -> None:
    assert sample_scenes(20, seed=3) == sample_scenes(20, seed=3)
    assert sample_scenes(20, seed=3) != sample_scenes(20, seed=4)
    assert sample_scenes(20, seed=3)[:5] == sample_scenes(5, seed=3)


@pytest.mark.parametrize("split", SPLITS)
def test_captions_read_back_as_what_was_drawn(split: Split) -> None:
    for scene in sample_scenes(300, seed=0, split=split):
        assert parse_caption(scene.caption) == scene.spec
        assert split_of(scene.caption) == split


def test_splits_share_no_caption_and_each_covers_the_grammar() -> None:
    seen = {s: sample_scenes(2000, seed=0, split=s) for s in SPLITS}
    texts = [{scene.caption for scene in scenes} for scenes in seen.values()]
    assert not (texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2])
    for scenes in seen.values():
        things = [thing for scene in scenes for thing in scene.spec.things]
        assert {thing.shape for thing in things} == set(SHAPES)
        assert {thing.colour for thing in things} == set(COLOURS)
        assert {scene.spec.background for scene in scenes} == set(BACKGROUNDS)


def test_pairs_differ_in_colour_and_stay_inside_the_image() -> None:
    for scene in sample_scenes(500, seed=1):
        colours = [thing.colour for thing in scene.spec.things]
        assert len(set(colours)) == len(colours)
        for place in scene.placements:
            assert place.radius < min(place.x, place.y, 64 - place.x, 64 - place.y)


@pytest.mark.parametrize(
    "caption",
    ["", "a circle", "a pink circle on a white background", "a red circle on a white background!"],
)
def test_text_outside_the_grammar_is_refused_with_an_example(caption: str) -> None:
    with pytest.raises(CaptionError, match=r"outside the pocket grammar.*for example"):
        parse_caption(caption)


def test_a_known_caption() -> None:
    spec = parse_caption("a red circle left of a blue square on a white background")
    assert (spec.background, spec.layout) == ("white", "left of")
    assert [(t.colour, t.shape) for t in spec.things] == [("red", "circle"), ("blue", "square")]
