"""The report in a browser: what the mouse, a finger and the buttons do to the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from experiments.pictures.browser import CHROMIUM, Page, page
from search.records.folder import StudyFolder
from search.records.result import StudyResult
from search.records.rival import Rival
from search.report.page import write_report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium")

Draw = Callable[[StudyResult, StudyFolder], None]

POINTS = """(() => {
  const plot = document.querySelector("[data-figure=front]");
  plot.scrollIntoView();
  const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
  const trace = plot.data.find((each) => each.meta === "front");
  return trace.x.map((x, index) => {
    const y = yaxis.type === "log" ? Math.log10(trace.y[index]) : trace.y[index];
    return [trace.customdata[index][0],
      box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(y)];
  });
})()"""
"""Name and place in the window of each point of the front."""

PLACES = """(() => {
  const tops = [...document.querySelectorAll("#card, #card .steps, [data-figure=front], h2")];
  return tops.map((each) => each.getBoundingClientRect().top + scrollY);
})()"""
"""Where the plot, the card, its buttons and the headings stand."""

FIRST_PIXEL = """(() => {
  const canvas = document.querySelector("%s canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return [canvas.width, canvas.height, ...data.slice(0, 3)];
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with page() as opened:
        yield opened


def visit(browser: Page, path: Path, *, phone: bool = False) -> None:
    browser.problems.clear()
    browser.resize(*((390, 844) if phone else (1280, 900)), phone=phone)
    browser.open(path.as_uri())


def text(browser: Page, selector: str) -> str:
    found = browser.run(f"document.querySelector({selector!r}).innerText")
    assert isinstance(found, str)
    return found


def test_every_plot_is_drawn_and_nothing_is_wider_than_a_phone(
    browser: Page, result: StudyResult, folder: StudyFolder, with_samples: Draw
) -> None:
    with_samples(result, folder)
    visit(browser, write_report(result, folder), phone=True)
    assert browser.run("document.querySelectorAll('.plot .scatterlayer').length") >= 3
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.problems == []


@pytest.mark.parametrize("phone", [False, True], ids=["mouse", "finger"])
def test_the_card_shows_what_is_pointed_at(
    browser: Page, result: StudyResult, folder: StudyFolder, with_samples: Draw, phone: bool
) -> None:
    with_samples(result, folder)
    visit(browser, write_report(result, folder), phone=phone)
    points = browser.run(POINTS)
    for place in (-1, 0, 3, 0):
        member = result.front[place]
        name, x, y = points[place]
        assert name == member.name
        browser.tap(x, y) if phone else browser.hover(x, y)
        browser.until(f"document.getElementById('card').dataset.shows === {name!r}")
        card = text(browser, "#card")
        assert member.heldout
        assert member.record.quality
        assert member.timing
        for words in (
            member.name,
            f"{member.record.quality.fid_real:.2f}",
            f"{member.heldout.fid_real:.2f}",
            f"{member.timed_speedup:.2f}",
            f"{1000 * member.timing.latency_s:.1f}",
        ):
            assert words in card
        assert browser.run("document.querySelectorAll('#card .strip rect').length") == 50
        picture = browser.run("document.querySelector('#card img').src")
        article = f"document.querySelector('article[data-member=\"{name}\"] img').src"
        assert picture == browser.run(article)
    assert browser.run(POINTS) == points
    assert browser.problems == []


@pytest.mark.parametrize("phone", [False, True], ids=["mouse", "finger"])
def test_the_page_does_not_jump_from_one_card_to_the_next(
    browser: Page, result: StudyResult, folder: StudyFolder, with_samples: Draw, phone: bool
) -> None:
    """One member has less to say, and no images."""
    first = replace(result.front[0], heldout=None, interval=None)
    with_samples(result, folder)
    (folder.samples / f"{first.name}.png").unlink()
    path = write_report(replace(result, front=(first, *result.front[1:])), folder)
    visit(browser, path, phone=phone)
    heights = []
    for _ in result.front:
        heights.append(browser.run(PLACES))
        browser.run("document.querySelectorAll('.step')[0].click()")
    assert len({tuple(each) for each in heights}) == 1, heights


def test_the_switch_shows_the_fid_to_real_images_at_the_same_members(
    browser: Page, result: StudyResult, folder: StudyFolder
) -> None:
    visit(browser, write_report(replace(result, objective="fid_reference"), folder))
    title = "document.querySelector('[data-figure=front]').layout.yaxis.title.text"
    assert browser.run(title) == "FID to the unpatched images"
    assert browser.run("document.querySelector('[data-figure=front]').layout.yaxis.type") == "log"
    browser.run("document.querySelector('.quantity [value=real]').click()")
    assert browser.run(title) == "FID to real images"
    name, x, y = browser.run(POINTS)[0]
    browser.hover(x, y)
    browser.until(f"document.getElementById('card').dataset.shows === {name!r}")
    assert browser.problems == []


def test_no_column_of_the_front_is_cut_at_1300_pixels(
    browser: Page, result: StudyResult, folder: StudyFolder
) -> None:
    rivals = tuple(
        Rival("DPMSolverMultistepScheduler", steps, steps, 0.1, 50 / steps, quality)
        for steps in (8, 10)
        if (quality := result.front[0].record.quality) is not None
    )
    study = replace(result, objective="fid_reference", rivals=rivals)
    browser.resize(1300, 900)
    browser.open(write_report(study, folder).as_uri())
    seen, whole = browser.run(
        "(({ clientWidth, scrollWidth }) => [clientWidth, scrollWidth])"
        "(document.querySelector('.figures').parentElement)"
    )
    assert whole <= seen


def test_the_buttons_go_along_the_front_and_stop_at_its_ends(
    browser: Page, result: StudyResult, folder: StudyFolder
) -> None:
    visit(browser, write_report(result, folder))
    names = ["unpatched", *(member.name for member in result.front)]
    shown = "document.getElementById('card').dataset.shows"
    slower, faster = (f"document.querySelectorAll('.step')[{place}]" for place in (0, 1))
    while not browser.run(f"{slower}.disabled"):
        browser.run(f"{slower}.click()")
    seen = [browser.run(shown)]
    while not browser.run(f"{faster}.disabled"):
        browser.run(f"{faster}.click()")
        seen.append(browser.run(shown))
    assert seen == names
    assert browser.run("document.querySelector('#card .all').hash") == f"#preset-{len(names)}"


def test_a_hostile_name_is_found_and_stays_text(
    browser: Page, result: StudyResult, folder: StudyFolder
) -> None:
    name = '<b onclick=alert(1)>&amp;"x'
    front = (*result.front[:-1], replace(result.front[-1], name=name))
    visit(browser, write_report(replace(result, front=front), folder))
    _, x, y = browser.run(POINTS)[-1]
    browser.hover(x, y)
    browser.until(f"document.getElementById('card').dataset.shows === {name!r}")
    assert text(browser, "#card h3") == name
    assert browser.problems == []


def test_the_difference_is_that_of_the_pixels_times_the_factor(
    browser: Page, result: StudyResult, folder: StudyFolder
) -> None:
    folder.samples.mkdir()
    name = result.front[0].name
    Image.new("RGB", (40, 20), (100, 100, 100)).save(folder.samples / "unpatched.png")
    Image.new("RGB", (40, 20), (110, 95, 200)).save(folder.samples / f"{name}.png")
    visit(browser, write_report(result, folder))
    for factor, expected in ((1, [10, 5, 100]), (4, [40, 20, 255]), (16, [160, 80, 255])):
        browser.run(f"document.querySelector('.difference [value=\"{factor}\"]').click()")
        drawn = f"document.querySelectorAll('canvas[aria-label$=\" {factor}\"]')"
        browser.until(f"{drawn}.length === 2")
        for place in ("#card", "article"):
            assert browser.run(FIRST_PIXEL % place) == [40, 20, *expected]
    browser.run("document.querySelector('.difference input[value=\"0\"]').click()")
    browser.until("document.querySelectorAll('canvas').length === 0")
    assert browser.problems == []
