"""A schedule that makes NaN or takes all memory fails its own trial, and the next one is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from dato import Schedule
from search.errors import TrialError, UserError
from search.model.generator import Generator
from search.preparation.bench import Bench
from search.preparation.unpatched import measure_unpatched
from search.records.folder import StudyFolder
from search.settings.compose import compose_config
from search.space import load_space
from search.study.watching import PlainStages
from search.workers.pool import SerialPool
from tests.search.model.tiny import STEPS

SCHEDULE = Schedule.uniform(STEPS, interval=3, depth=1)


def nan(output: Any) -> None:
    output.fill_(torch.nan)


def all_memory(_: Any) -> None:
    torch.empty(1 << 50, dtype=torch.uint8)


def test_a_model_that_cannot_run_at_all_is_one_sentence(
    generator: Generator, tmp_path: Path
) -> None:
    config, folder = compose_config(["space=layered"]), StudyFolder(tmp_path)
    space, pool = load_space(config.space), SerialPool(generator)
    bench = Bench(config, space, folder, pool, PlainStages())
    with poisoned(generator, all_memory), pytest.raises(UserError, match=r"unpatched.*Out of mem"):
        measure_unpatched(bench)


@contextmanager
def poisoned(generator: Generator, poison: Callable[[Any], None]) -> Iterator[None]:
    """The denoiser's first layer spoils what it makes."""
    handle = generator.denoiser.conv_in.register_forward_hook(lambda _, __, output: poison(output))
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize(("poison", "reason"), [(nan, "NaN"), (all_memory, "Out of memory")])
def test_a_poisoned_schedule_fails_alone(
    generator: Generator, poison: Callable[[Any], None], reason: str
) -> None:
    before = generator.generate(SCHEDULE, [0, 1])
    with poisoned(generator, poison), pytest.raises(TrialError, match=reason):
        generator.generate(SCHEDULE, [0, 1])
    after = generator.generate(SCHEDULE, [0, 1])
    assert torch.equal(before.pixels, after.pixels)
    assert torch.equal(before.latents, after.latents)
