"""A report of a hostile study in a real browser: nothing that anybody named runs or is fetched."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from search.records.folder import StudyFolder
from search.records.result import StudyResult
from search.report.page import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MARK = "document.title='owned'"
PAYLOADS = (
    f"</script><script>{MARK}</script>",
    f"<img src=x onerror={MARK}>",
    f'"><svg onload={MARK}>',
    f"' autofocus onfocus={MARK} x='",
    f"javascript:{MARK}",
    "{{ 7 * 191 }}{% for x in y %}",
    "</title></style><base href=http://127.0.0.1:9/>",
)
HOSTILE = "".join(PAYLOADS)


def hostile(result: StudyResult) -> StudyResult:
    """The study with payloads wherever a person, a model or a file may put text."""
    members = tuple(
        replace(
            member,
            name=f"{HOSTILE}{number}",
            record=replace(member.record, params={HOSTILE: HOSTILE}, reason=HOSTILE),
        )
        for number, member in enumerate(result.front)
    )
    records = tuple(replace(record, reason=HOSTILE) for record in result.records)
    return replace(
        result,
        name=HOSTILE,
        front=members,
        records=records,
        config={"model": {"prompts": HOSTILE, HOSTILE: [HOSTILE]}},
        device=HOSTILE,
        versions={HOSTILE: HOSTILE},
        command=HOSTILE,
    )


@pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium to run the page's script")
def test_nothing_of_a_hostile_study_runs(
    result: StudyResult, folder: StudyFolder, tmp_path: Path
) -> None:
    page = write_report(hostile(result), folder)
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
        "--virtual-time-budget=5000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    assert "<title>owned" not in done.stdout
    body = done.stdout[done.stdout.index("<body") :]
    assert body.count('class="plot-container') >= 2
    for tag in ("<base", '<img src="x"', 'onerror="', 'onload="', 'onfocus="'):
        assert tag not in body
    assert "7 * 191" in body
