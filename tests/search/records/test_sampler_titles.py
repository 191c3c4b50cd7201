"""Samplers are called what people call them."""

from __future__ import annotations

import re

import diffusers
import pytest

from search.records.sampler_titles import sampler_title

ALL = [name for name in dir(diffusers) if name.endswith("Scheduler")]
DIFFUSION = [cls.__name__ for cls in diffusers.DDIMScheduler().compatibles]
FLOW = [
    *("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"),
    *("UniPCMultistepScheduler", "DPMSolverMultistepScheduler"),
]
CODE = re.compile("Scheduler|FlowMatch|Discrete$|Multistep$|Singlestep$")


@pytest.mark.parametrize(
    ("scheduler", "title"),
    [
        ("DDIMScheduler", "DDIM"),
        ("PNDMScheduler", "PLMS"),
        ("DPMSolverMultistepScheduler", "DPM-Solver++ 2M"),
        ("FlowMatchEulerDiscreteScheduler", "Euler"),
        ("FlowMatchHeunDiscreteScheduler", "Heun"),
        ("EulerAncestralDiscreteScheduler", "Euler ancestral"),
    ],
)
def test_a_sampler_has_its_name_of_papers(scheduler: str, title: str) -> None:
    assert sampler_title(scheduler) == title


@pytest.mark.parametrize("scheduler", ALL)
def test_no_title_shows_what_diffusers_adds_to_the_name(scheduler: str) -> None:
    assert CODE.search(sampler_title(scheduler)) is None


@pytest.mark.parametrize("known", [DIFFUSION, FLOW])
def test_samplers_of_one_model_have_titles_of_their_own(known: list[str]) -> None:
    assert len({*map(sampler_title, known)}) == len({*known})
