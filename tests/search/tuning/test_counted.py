"""What a tuning cost is counted in calls that the denoiser computed."""

from __future__ import annotations

from search.model.generator import Generator
from search.tuning.counted import counted


def test_the_calls_of_a_run_are_counted_once_for_each_image(generator: Generator) -> None:
    with counted(generator) as count:
        generator.loop(0)
    assert count.calls == generator.calls * generator.model.batch_size
    assert "forward" not in vars(generator.denoiser)


def test_counts_nest(generator: Generator) -> None:
    with counted(generator) as whole:
        with counted(generator) as part:
            generator.loop(0)
        generator.loop(1)
    assert whole.calls == 2 * part.calls
