"""A workload's images depend on its seed and their numbers alone."""

from __future__ import annotations

import torch

from search.model.workload import Workload

SHAPE = (4, 8, 8)


def test_one_image_of_a_workload_is_that_image() -> None:
    whole = Workload(("a", "b", "c", "d"), 7)
    part = whole.only(2)
    assert part.prompts == ("c",)
    assert torch.equal(part.noise([0], SHAPE), whole.noise([2], SHAPE))
    assert part.only(0) == part
    drawn = [torch.rand(3, generator=own.generators([index])[0]) for own, index in
             ((part, 0), (whole, 2))]  # fmt: skip
    assert torch.equal(*drawn)


def test_images_and_seeds_have_noise_of_their_own() -> None:
    first, second = Workload(("a", "a"), 1).noise([0, 1], SHAPE)
    assert not torch.equal(first, second)
    assert not torch.equal(first, Workload(("a",), 2).noise([0], SHAPE)[0])
