"""The first lines of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.cli.opening import opening_lines
from search.settings.compose import compose_config

ADVICE = "Give more of them in model.prompts"


def _lines(*overrides: str) -> tuple[str, ...]:
    return opening_lines(compose_config(overrides))


def test_the_sampler_comes_first_with_steps_and_guidance() -> None:
    first = _lines(
        "model.scheduler=DPMSolverMultistepScheduler",
        "model.scheduler_settings={use_karras_sigmas: true}",
        "model.num_inference_steps=20",
        "model.guidance_scale=4",
    )[0]
    assert first == "DPM-Solver++ 2M, Karras sigmas, 20 steps, guidance 4"


def test_embedded_captions_are_counted_and_nobody_is_told_to_give_more() -> None:
    _, prompts = _lines("quality.images=32", "quality.heldout_images=64")
    assert prompts == "32 images of the search of 31 prompts, 64 held-out images of 59 prompts"


@pytest.mark.parametrize("few", [2, 3, 40])
def test_few_prompts_are_said_with_what_to_do(few: int, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("".join(f"a photo of {number} cats\n" for number in range(few)), "utf-8")
    _, prompts = _lines(f"model.prompts={file}")
    assert "held-out images of" in prompts
    assert ADVICE in prompts


def test_enough_prompts_need_no_line(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("".join(f"a photo of {number} cats\n" for number in range(400)), "utf-8")
    assert len(_lines(f"model.prompts={file}")) == 1
