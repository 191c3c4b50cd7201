"""What is searched on and what is held out never meet."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.errors import UserError
from search.model.prompts import divide, make_workloads

PROMPTS = st.lists(st.sampled_from([f"prompt {n}" for n in range(30)]), min_size=2).filter(
    lambda prompts: len(set(prompts)) > 1
)
COUNTS = st.integers(1, 40)
SEEDS = st.integers(0, 2**31 - 1)


def test_pocket_captions_are_apart_and_the_same_each_time() -> None:
    search, heldout = make_workloads("pocket", images=64, heldout_images=32, seed=3)
    assert (len(search), len(heldout)) == (64, 32)
    assert not set(search.prompts) & set(heldout.prompts)
    assert make_workloads("pocket", images=64, heldout_images=32, seed=3) == (search, heldout)
    assert make_workloads("pocket", images=64, heldout_images=32, seed=4)[0] != search
    assert not torch.equal(search.noise([0], (4, 8, 8)), heldout.noise([0], (4, 8, 8)))


@given(PROMPTS, COUNTS, SEEDS)
def test_the_two_sets_never_meet_and_nothing_is_lost(
    prompts: list[str], images: int, seed: int
) -> None:
    search, heldout = divide(prompts, images, seed, "here")
    assert search and heldout
    assert not set(search) & set(heldout)
    assert sorted(search + heldout) == sorted(set(prompts))
    assert len(search) <= images
    assert divide(prompts, images, seed, "here") == (search, heldout)


@given(PROMPTS, COUNTS, COUNTS, SEEDS)
def test_more_images_keep_the_prompts_of_fewer(
    prompts: list[str], one: int, other: int, seed: int
) -> None:
    few, many = sorted((one, other))
    small, large = (divide(prompts, images, seed, "here") for images in (few, many))
    assert large[0][: len(small[0])] == small[0]
    assert small[1][: len(large[1])] == large[1]


def test_the_seed_chooses() -> None:
    prompts = [f"prompt {n}" for n in range(30)]
    chosen = {tuple(divide(prompts, 8, seed, "here")[0]) for seed in range(5)}
    assert len(chosen) == 5


def test_a_set_with_fewer_prompts_than_images_repeats_them(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("a\n\nb\nc\n a \nd\n")
    search, heldout = make_workloads(str(file), images=3, heldout_images=4, seed=0)
    first, second, third = search.prompts
    assert first == third != second
    assert heldout.prompts[:2] == heldout.prompts[2:]
    assert {*search.prompts, *heldout.prompts} == {"a", "b", "c", "d"}


@pytest.mark.parametrize(("content", "rule"), [("one\n", "at least two"), (None, "one prompt a")])
def test_an_unusable_file_is_explained(tmp_path: Path, content: str | None, rule: str) -> None:
    file = tmp_path / "prompts.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=rule):
        make_workloads(str(file), images=3, heldout_images=4, seed=0)
