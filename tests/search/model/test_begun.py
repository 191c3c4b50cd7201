"""A run begins as the pipeline's own call begins it, and ends before the denoiser is called."""

from __future__ import annotations

import pytest
import torch

from search.model.base_sampler import based
from search.model.begun import begun
from search.model.generator import Generator
from search.model.workload import Workload
from search.records.base_sampler import Base
from search.records.timesteps import Timesteps
from search.settings.model import ArchitectureName
from search.tuning.counted import counted
from tests.search.model.test_families import config

PROMPTS = Workload(("a cat", "snow"), 1)


@pytest.mark.parametrize("name", ["sd15", "flux-dev"])
def test_timesteps_are_those_of_a_run(name: ArchitectureName) -> None:
    """FLUX pipelines shift them by the size of the image."""
    generator = Generator(config(name, weights="tiny", architecture=name), PROMPTS)
    scheduler = generator.pipe.scheduler
    generator.loop(0)
    expected = scheduler.timesteps.clone()
    scheduler.set_timesteps(2, **({"mu": 0.1} if name == "flux-dev" else {}))
    with counted(generator) as count:
        assert torch.equal(begun(generator).timesteps, expected)
    assert count.calls == 0
    assert "set_timesteps" not in vars(scheduler)


def test_given_timesteps_are_given(generator: Generator) -> None:
    values = (900.0, 500.0, 100.0)
    base = Base("DPMSolverMultistepScheduler", 3, timesteps=Timesteps("planned", values))
    with based(generator, base) as few:
        assert begun(few).timesteps.tolist() == list(values)
