"""What is searched on and what is held out never meet."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from search.errors import UserError
from search.evaluate.prompts import make_workloads


def test_pocket_captions_are_apart_and_the_same_each_time() -> None:
    search, heldout = make_workloads("pocket", images=64, heldout_images=32, seed=3)
    assert (len(search), len(heldout)) == (64, 32)
    assert not set(search.prompts) & set(heldout.prompts)
    assert make_workloads("pocket", images=64, heldout_images=32, seed=3) == (search, heldout)
    assert make_workloads("pocket", images=64, heldout_images=32, seed=4)[0] != search
    assert not torch.equal(search.noise([0], (4, 8, 8)), heldout.noise([0], (4, 8, 8)))


def test_a_file_is_split_in_two_and_repeated_as_often_as_needed(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("a\n\nb\nc\n a \nd\n")
    search, heldout = make_workloads(str(file), images=3, heldout_images=4, seed=0)
    assert search.prompts == ("a", "c", "a")
    assert heldout.prompts == ("b", "d", "b", "d")


@pytest.mark.parametrize(("content", "rule"), [("one\n", "at least two"), (None, "one prompt a")])
def test_an_unusable_file_is_explained(tmp_path: Path, content: str | None, rule: str) -> None:
    file = tmp_path / "prompts.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=rule):
        make_workloads(str(file), images=3, heldout_images=4, seed=0)
