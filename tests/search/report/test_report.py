"""The report: one file, no network, nothing of the study is run as HTML, and it always appears."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.record import LOST, TrialRecord
from search.records.result import StudyResult
from search.report.cells import MISSING, TIMES
from search.report.contents import failures, numbers
from search.report.page import write_report
from search.report.plots import front_figure, real_figure
from search.report.sample_uris import INLINE_BYTES, sample_grid
from search.report.strips import bars

Draw = Callable[[StudyResult, StudyFolder], None]
HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.figures = ""
        self._inside: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append("figures" if ("id", "figures") in attrs else tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words += data
        elif self._inside[-1] == "figures":
            self.figures += data


def write(result: StudyResult, folder: StudyFolder) -> Page:
    return Page(write_report(result, folder))


def test_the_page_shows_the_headline_the_front_and_how_it_was_made(
    result: StudyResult, folder: StudyFolder, with_samples: Draw
) -> None:
    with_samples(result, folder)
    page = write(result, folder)
    for words in (result.name, "60", "trials", "1.8%", result.command, result.device, "2.13.0"):
        assert words in page.words
    for member in result.front:
        assert member.name in page.words
        assert f"{member.timed_speedup:.2f}" in page.words
        assert member.heldout
        assert f"{member.heldout.fid_real:.2f}" in page.words
    assert "model.scheduler" in page.words


def bounded(result: StudyResult, *bounds: float) -> StudyResult:
    """The first members with these bounds as shares of the unpatched FID; the rest unaudited."""
    assert result.baseline and result.baseline.heldout
    base = result.baseline.heldout
    audited = [
        replace(
            member,
            heldout=replace(
                base,
                fid_real=base.fid_real * (1 + 0.001 * place),
                metrics={"fid_real_bound": base.fid_real * (1 + bound)},
            ),
            timed_speedup=2.0 + place,
        )
        for place, (member, bound) in enumerate(zip(result.front, bounds, strict=False))
    ]
    rest = [replace(m, heldout=None, timed_speedup=None) for m in result.front[len(audited) :]]
    return replace(result, front=(*audited, *rest))


def test_the_headline_is_the_fastest_preset_whose_bound_is_no_worse(
    result: StudyResult, folder: StudyFolder
) -> None:
    page = write(bounded(result, 0.001, 0.0129, 0.0131), folder)
    assert re.search(rf"3\.0{TIMES}\s*faster at no worse FID", page.words)
    assert "at most 1.3% above the unpatched one" in page.words


def test_the_headline_names_the_nearest_preset_where_none_is_no_worse(
    result: StudyResult, folder: StudyFolder
) -> None:
    page = write(bounded(result, 0.05, 0.02), folder)
    assert re.search(rf"{MISSING}\s*faster at no worse FID", page.words)
    assert f"{result.front[1].name} is nearest" in page.words
    assert "at most 2.0% above the unpatched one" in page.words


def test_nothing_is_fetched(result: StudyResult, folder: StudyFolder, with_samples: Draw) -> None:
    with_samples(result, folder)
    page = write(result, folder)
    for tag, attributes in page.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("data:", "#")), (tag, attributes)
        assert tag not in ("link", "iframe", "object", "base")
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy


def test_what_people_named_is_text_and_never_markup(
    result: StudyResult, folder: StudyFolder, with_samples: Draw
) -> None:
    records = tuple(
        replace(record, reason=HOSTILE) if record.state != "complete" else record
        for record in result.records
    )
    member = result.front[0]
    record = replace(member.record, params={HOSTILE: HOSTILE})
    with_samples(result, folder)
    hostile = replace(
        result,
        name=HOSTILE,
        records=records,
        front=(replace(member, name=HOSTILE, record=record), *result.front[1:]),
        config={HOSTILE: HOSTILE},
        device=HOSTILE,
        versions={HOSTILE: HOSTILE},
        command=HOSTILE,
    )
    page = write(hostile, folder)
    assert sum(tag == "script" for tag, _ in page.tags) == 3
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.words.count(HOSTILE) >= 8
    assert "<" not in page.figures
    hover = json.loads(page.figures)["front"]["data"]
    assert html.escape(HOSTILE) in json.dumps(hover, ensure_ascii=False).replace('\\"', '"')


def test_a_study_of_failures_only_explains_itself(result: StudyResult, folder: StudyFolder) -> None:
    records = tuple(
        replace(record, state="fail", quality=None, latency_s=None, speedup=None, reason="NaN")
        for record in result.records
    )
    page = write(replace(result, records=records, front=(), baseline=None), folder)
    assert "The front is empty" in page.words
    assert "60 trials" in page.words
    assert "nothing to plot" in page.words
    assert not any(tag == "script" for tag, _ in page.tags)


@pytest.mark.parametrize("count", [0, 1])
def test_a_study_that_has_just_begun_has_a_report(
    result: StudyResult, folder: StudyFolder, count: int
) -> None:
    result = replace(result, records=result.records[:count], front=(), cost_table_error=None)
    page = write(replace(result, baseline=None, versions={}, config={}, command=""), folder)
    assert "The front is empty" in page.words


def blind(member: FrontMember) -> FrontMember:
    assert member.heldout is not None
    return replace(member, heldout=replace(member.heldout, fid_real=math.nan))


def test_without_real_images_the_headline_claims_nothing(
    result: StudyResult, folder: StudyFolder
) -> None:
    records = tuple(
        replace(r, quality=r.quality and replace(r.quality, fid_real=math.nan))
        for r in result.records
    )
    front = tuple(replace(blind(m), record=records[m.record.number]) for m in result.front)
    assert result.baseline
    baseline = replace(blind(result.baseline), record=records[0])
    page = write(
        replace(result, records=records, front=front, baseline=baseline, objective="fid_reference"),
        folder,
    )
    assert "real images" not in page.words
    assert "nan" not in page.words.lower().split()


def test_missing_and_broken_samples_are_left_out_by_name(
    result: StudyResult, folder: StudyFolder, with_samples: Draw
) -> None:
    with_samples(result, folder)
    broken, missing = result.front[0].name, result.front[1].name
    (folder.samples / f"{broken}.png").write_bytes(b"not a picture")
    (folder.samples / f"{missing}.png").unlink()
    page = write(result, folder)
    assert f"No sample images for {broken}, {missing}." in page.words
    pictures = [a for tag, a in page.tags if tag == "img"]
    assert len(pictures) == len(result.front) - 2


def test_the_unpatched_grid_is_stored_once(
    result: StudyResult, folder: StudyFolder, with_samples: Draw
) -> None:
    with_samples(result, folder)
    page = write(result, folder)
    assert sum(tag == "image" for tag, _ in page.tags) == 1
    assert sum(tag == "use" for tag, _ in page.tags) == len(result.front) + 1


def test_a_large_grid_is_scaled_down(folder: StudyFolder) -> None:
    folder.samples.mkdir()
    noise = Image.effect_noise((2048, 1024), 80).convert("RGB")
    noise.save(folder.samples / "big.png")
    assert (folder.samples / "big.png").stat().st_size > INLINE_BYTES
    grid = sample_grid(folder, "big")
    assert grid
    assert (grid.width, grid.height) == (1280, 640)
    assert grid.uri.startswith("data:image/webp;base64,")
    assert grid.lossy
    assert sample_grid(folder, "../big") is None
    assert sample_grid(folder, "x\0y") is None


def test_a_strip_is_as_high_as_deep_and_as_pale_as_pruned(result: StudyResult) -> None:
    schedule = result.front[-1].record.schedule
    assert schedule
    for bar in bars(schedule):
        kind = schedule.kind(bar.call)
        assert (bar.height == 40) == (kind.depth == "full")
        assert (bar.height == 0) == (kind.depth == 0)
        assert bar.shade == max(kind.prune.values(), default=0)
        assert f"call {bar.call + 1}:" in bar.title


def drawn(study: StudyResult) -> Any:
    figure = front_figure(study)
    assert figure
    return figure


def values(figure: Any, role: str) -> list[float]:
    return [y for trace in figure.data if trace.meta == role for y in trace.y]


def outlier(result: StudyResult, factor: float) -> StudyResult:
    """One more trial, with an FID to real images of 19 times ``factor``."""
    worst = next(record for record in result.records[1:] if record.quality)
    assert worst.quality
    quality = replace(worst.quality, fid_real=19.0 * factor)
    return replace(result, records=(*result.records, replace(worst, number=60, quality=quality)))


def test_fids_that_span_much_are_drawn_on_a_logarithmic_axis(result: StudyResult) -> None:
    assert drawn(outlier(result, 20)).layout.yaxis.type == "log"
    assert drawn(outlier(result, 1)).layout.yaxis.type is None


def test_the_unpatched_pipeline_stands_at_the_edge_of_a_logarithmic_axis(
    result: StudyResult,
) -> None:
    """Its FID to its own images is 0."""
    figure = drawn(replace(result, objective="fid_reference"))
    axis = figure.layout.yaxis
    assert axis.type == "log"
    ((place,), front) = values(figure, "baseline"), values(figure, "front")
    assert 0 < place < min(front)
    assert (axis.tickvals[0], axis.ticktext[0]) == (place, "0")
    (baseline,) = (trace for trace in figure.data if trace.meta == "baseline")
    assert baseline.text == ("0.000",)
    assert 10 ** axis.range[0] < place < max(front) < 10 ** axis.range[1]


def test_far_outliers_do_not_squeeze_the_front_of_a_metric_without_a_ratio(
    result: StudyResult,
) -> None:
    def with_kid(record: TrialRecord, value: float) -> TrialRecord:
        quality = record.quality
        return replace(
            record, quality=quality and replace(quality, metrics={"kid_reference": value})
        )

    records = [with_kid(record, 0.001 * record.number) for record in result.records]
    far = next(place for place, each in enumerate(records[1:], start=1) if each.quality)
    records[far] = with_kid(records[far], 9.0)
    front = tuple(replace(m, record=records[m.record.number]) for m in result.front)
    front = tuple(member for member in front if member.record.number != far)
    figure = drawn(replace(result, objective="kid_reference", records=tuple(records), front=front))
    assert figure.layout.yaxis.range[1] < 9
    assert re.fullmatch(r"trials \(\d above the frame\)", figure.data[0].name)


def test_a_study_of_another_metric_is_drawn_by_fid_to_real_images_too(result: StudyResult) -> None:
    assert real_figure(result) is None
    other = real_figure(replace(result, objective="fid_reference"))
    assert other is not None
    assert other.layout.yaxis.title.text == "FID to real images"
    assert values(other, "front") == values(front_figure(result), "front")


def test_a_trial_that_was_interrupted_did_not_fail(result: StudyResult) -> None:
    before = {number.label: number for number in numbers(result)}["trials"]
    lost = replace(result.records[1], number=99, state="fail", reason=LOST)
    with_lost = replace(result, records=(*result.records, lost))
    after = {number.label: number for number in numbers(with_lost)}["trials"]
    assert after.value == before.value
    assert "1 interrupted and run again" in after.note
    assert LOST not in [reason for reason, _, _ in failures(with_lost)]


def test_grey_points_are_spoken_of_where_there_are_some(
    result: StudyResult, folder: StudyFolder
) -> None:
    assert "grey point" in write_report(result, folder).read_text()
    marked = [result.records[0], *(member.record for member in result.front)]
    alone = replace(result, records=tuple(marked))
    assert "grey point" not in write_report(alone, folder).read_text()
