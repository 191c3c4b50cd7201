"""Prompts that CLIP does not wholly read are said once, with their number."""

from __future__ import annotations

import logging
import warnings

import pytest

from dato.pocket import load_pipeline
from search.model.any_pipeline import family_of
from search.model.cut_prompts import count_cut, say_cut

LONG, SHORT = "a red circle " * 40, "a red circle on a white background"


def test_prompts_are_counted_by_what_clip_reads_of_them() -> None:
    pipe = load_pipeline()
    assert count_cut(pipe, [LONG, SHORT, LONG]) == 2
    assert count_cut(pipe, [SHORT]) == 0


def test_the_number_is_said_in_one_warning() -> None:
    with pytest.warns(UserWarning, match="Of 40 prompts, 7 cannot be read whole by CLIP") as said:
        say_cut(7, 40)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        say_cut(0, 40)


def test_no_batch_prints_the_rest_of_its_prompts() -> None:
    pipe = load_pipeline()
    logger = logging.getLogger("diffusers")
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler, level = Lines(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    try:
        for _ in range(3):
            family_of(pipe).encode(pipe, [LONG], pipe.device, True)
        assert not lines
        pipe.encode_prompt(LONG, pipe.device, 1, True)
        assert len(lines) == 1, "outside of the search diffusers says what it always says"
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
