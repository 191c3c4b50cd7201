"""Rivals in what a person looks at: sentences, table, page, plot, cards, W&B."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.console import Console

from dato.preset import ModelInfo, SamplerInfo
from search.records.findings import dominated, findings
from search.records.folder import StudyFolder
from search.records.headline import headline
from search.records.headline_text import preset_text
from search.records.quality import Quality
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import dominated_in_search
from search.records.timesteps import Timesteps
from search.report.contents import numbers
from search.report.export import export_presets
from search.report.front_columns import front_lines
from search.report.front_table import front_table
from search.report.page import render
from search.report.plots import front_figure
from search.tracking.summary import RIVAL_COLUMNS, gains, rival_row

SAMPLER = SamplerInfo("DDIMScheduler", 50, 50, 3.0)
MODEL = ModelInfo("pocket", 12, "", (32, 32))


def rival(steps: int, fid: float, scheduler: str = "UniPCMultistepScheduler") -> Rival:
    quality = Quality(fid, fid, 0.1, 512)
    return Rival(scheduler, steps, steps, 0.85 * steps / 50, 50 / steps, quality, seconds=2.0)


@pytest.fixture
def beaten(result: StudyResult) -> StudyResult:
    """A study in which a rival is better than the slowest member, and worse than all others."""
    slowest, *others = result.front
    assert slowest.record.quality is not None
    assert slowest.record.speedup is not None
    known = slowest.record.quality.fid_real
    steps = int(50 / slowest.record.speedup)
    front = (replace(slowest, heldout=None, timing=None, timed_speedup=None), *others)
    return replace(result, front=front, rivals=(rival(steps, known - 0.01), rival(2, 500.0)))


def shown(result: StudyResult) -> str:
    console = Console(width=250)
    with console.capture() as capture:
        console.print(front_table(result))
    return capture.get()


def test_a_member_names_the_rival_that_dominates_it(beaten: StudyResult) -> None:
    ((member, by),) = dominated(beaten)
    assert member is beaten.front[0]
    assert f"{by.name} is no slower and no worse than {member.name}." in shown(beaten)
    (line,) = [line for line in front_lines(beaten) if line.better]
    assert (line.member, line.better) == (member, by.name)


def test_each_rival_is_a_marked_line_of_the_table(beaten: StudyResult, result: StudyResult) -> None:
    text = shown(beaten)
    assert text.count("○ UniPC") == 2
    assert "○ is a rival" in text.replace("\n", " ")
    assert "○" not in shown(result)


def test_the_page_shows_rivals_and_what_was_found(beaten: StudyResult, folder: StudyFolder) -> None:
    page = render(beaten, folder)
    assert 'class="rival"' in page
    assert "as fast as fewer steps at the same FID" in page


def test_the_plot_has_a_line_for_each_sampler(beaten: StudyResult) -> None:
    ddim = rival(10, 20.0, "DDIMScheduler")
    planned = replace(ddim, timesteps=Timesteps("planned", (999.0, 500.0)))
    figure = front_figure(replace(beaten, rivals=(*beaten.rivals, ddim, planned)))
    assert figure is not None
    lines = {trace.name: len(trace.x) for trace in figure.data if trace.meta == "rival"}
    assert lines == {
        "UniPC, fewer steps": 2,
        "DDIM, fewer steps": 1,
        "DDIM, fewer steps, planned timesteps": 1,
    }


def test_the_headline_says_both_how_much_faster_than_the_model_and_than_fewer_steps(
    beaten: StudyResult, result: StudyResult
) -> None:
    labels = [number.label for number in numbers(beaten)]
    assert labels[:2] == ["faster at no worse FID", "as fast as fewer steps at the same FID"]
    assert "as fast as fewer steps at the same FID" not in [x.label for x in numbers(result)]


def test_the_sentences_name_the_preset_and_the_dominated_ones(beaten: StudyResult) -> None:
    speed, beside, lost, spent = findings(beaten)
    assert re.fullmatch(r"The trials took [\d.]+ minutes, the rivals 0\.1\.", spent)
    subject = headline(beaten).subject
    assert subject is not None and subject.name in speed
    assert "times as fast as fewer steps" in beside
    assert beaten.front[0].name in lost
    assert findings(replace(beaten, front=()))[0].startswith(
        "Nothing was found: the front is empty."
    )


def test_dominated_members_have_no_preset_unless_they_are_wanted(
    beaten: StudyResult, folder: StudyFolder
) -> None:
    every = export_presets(beaten, folder, model=MODEL, sampler=SAMPLER, dominated=True)
    assert len(every) == len(beaten.front)
    kept = export_presets(beaten, folder, model=MODEL, sampler=SAMPLER)
    assert {path.stem for path in every} - {path.stem for path in kept} == {beaten.front[0].name}
    assert not (folder.presets / f"{beaten.front[0].name}.json").exists()
    card = kept[-1].with_suffix(".md").read_text()
    assert "times as fast as fewer steps" in card
    assert preset_text(beaten.front[-1], beaten) in card


def test_the_search_s_own_numbers_say_whom_a_rival_dominates(beaten: StudyResult) -> None:
    member = beaten.front[0]
    quality, speedup = member.record.quality, member.record.speedup
    assert quality is not None and speedup is not None
    faster = replace(beaten.rivals[0], quality=quality, priced_speedup=speedup + 1)
    slower = replace(faster, priced_speedup=speedup - 0.5)
    assert dominated_in_search(member, [slower, faster], "fid_reference")
    assert not dominated_in_search(member, [slower], "fid_reference")
    assert not dominated_in_search(member, [], "fid_reference")


def test_wandb_gets_a_line_for_each_and_the_headline(beaten: StudyResult) -> None:
    assert len(rival_row(beaten.rivals[0])) == len(RIVAL_COLUMNS)
    found = gains(beaten)
    subject = headline(beaten).subject
    assert subject is not None and found["headline/nearest"] == subject.name
    assert float(found["headline/times_fewer_steps"]) > 0
