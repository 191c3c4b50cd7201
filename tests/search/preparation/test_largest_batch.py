"""``model.batch_size=auto``: what a GPU holds, told by a run that is out of memory above a size."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dato import Schedule
from search.errors import UserError
from search.model.generator import Generator
from search.preparation.largest_batch import STEPS, _demanding, automatic_batch, largest_batch
from search.settings import batch_sizes
from search.settings.compose import compose_config


class Gpu:
    """Holds so many images at once."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tried: list[int] = []

    def __call__(self, size: int) -> None:
        self.tried.append(size)
        if size > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.mark.parametrize(
    ("room", "found", "tried"),
    [(1, 1, [1, 2]), (5, 4, [1, 2, 4, 8]), (8, 8, [1, 2, 4, 8]), (99, 8, [1, 2, 4, 8])],
)
def test_it_doubles_until_memory_is_out_and_takes_the_last_that_fitted(
    room: int, found: int, tried: list[int]
) -> None:
    gpu = Gpu(room)
    assert largest_batch((1, 2, 4, 8), gpu) == found
    assert gpu.tried == tried


def test_a_gpu_without_room_for_one_image_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"not even 1 image fits.*Tried to allocate 2\.00 GiB"):
        largest_batch((1, 2), Gpu(0))


def test_other_errors_are_not_taken_for_a_full_memory() -> None:
    def broken(size: int) -> None:
        raise ValueError("code")

    with pytest.raises(ValueError, match="code"):
        largest_batch((1, 2), broken)


def test_batches_divide_every_image_count() -> None:
    config = compose_config(["quality.images=24", "quality.rung_images=8", "model.batch_size=auto",
                             "quality.heldout_images=40"])  # fmt: skip
    assert batch_sizes(config) == (1, 2, 4, 8)
    odd = compose_config(["quality.rung_images=3", "quality.images=6", "quality.heldout_images=9",
                          "model.batch_size=auto"])  # fmt: skip
    assert odd.model.batch_size == 1


def test_on_a_cpu_it_is_eight_and_the_study_keeps_the_number() -> None:
    config = compose_config(["model.batch_size=auto"], automatic_batch)
    assert config.model.batch_size == 8


def test_the_probe_caches_prunes_and_runs(generator: Generator) -> None:
    brief = Generator(
        replace(generator.model, num_inference_steps=STEPS), generator.workload,
        pipe=generator.pipe,
    )  # fmt: skip
    schedule = _demanding(brief)
    assert isinstance(schedule, Schedule)
    assert {kind.depth for kind in schedule.kinds.values()} == {"full", 1}
    assert any(kind.prune for kind in schedule.kinds.values())
    assert len(brief.generate(schedule, range(2))) == 2


ON_GPU = ["model=sd15", "model.weights=tiny", "model.prompts=pocket", "model.batch_size=auto"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_probe_on_a_gpu() -> None:
    config = compose_config(ON_GPU, automatic_batch)
    assert config.model.batch_size in batch_sizes(config)
