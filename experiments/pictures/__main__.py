"""Pictures of a finished study for the documentation.

python -m experiments.pictures STUDY [OUT]

The report on a desk and on a phone, and two charts of the offline W&B run: the plotly figure
that it holds, and the hypervolume from its history. W&B's own pages need its server.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from plotly import graph_objects as go
from plotly.io import from_json

from experiments.command import command
from experiments.pictures.browser import Page, page
from search.records.folder import StudyFolder
from search.tracking.wandb_folders import offline_runs

COLOURS = 128
"""Of the palette of a picture; the pages are flat, and the files a third."""


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path("docs/img"))
    options = parser.parse_args()
    folder = StudyFolder.open(options.study)
    with page() as browser:
        report(browser, folder, options.out)
        run = offline_runs(folder)[-1]
        (logged,) = run.glob("files/media/plotly/pareto_interactive*.json")
        figure(browser, from_json(logged.read_text()), options.out / "wandb-pareto.png")
        figure(browser, hypervolume(run), options.out / "wandb-hypervolume.png")


def report(browser: Page, folder: StudyFolder, out: Path) -> None:
    """The front with its card at both widths."""
    url = folder.report.resolve().as_uri()
    for name, width, height, phone in (("desktop", 1280, 760, False), ("phone", 390, 1220, True)):
        browser.resize(width, height, phone=phone)
        browser.open(url)
        browser.run("document.querySelector('.explore').parentElement.scrollIntoView()")
        browser.until("document.querySelectorAll('#card .shot img, #card .unseen').length > 0")
        settled(browser)
        save(browser, out / f"report-{name}.png")


def figure(browser: Page, drawn: go.Figure, path: Path) -> None:
    """A plotly figure as a picture."""
    with tempfile.TemporaryDirectory() as scratch:
        html = Path(scratch) / "figure.html"
        drawn.update_layout(template="plotly_white", margin={"t": 30, "r": 20})
        drawn.write_html(html, config={"displayModeBar": False})
        browser.resize(800, 420)
        browser.open(html.as_uri())
        settled(browser)
        save(browser, path)


def hypervolume(run: Path) -> go.Figure:
    """``front/hypervolume`` over ``trial``, as the run's history has them."""
    (log,) = run.glob("*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(log)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    entries = [json.loads(line) for line in text.splitlines()]
    rows: list[dict[str, Any]] = [
        entry["history"]["item"] for entry in entries if entry["type"] == "history"
    ]
    rows = [row for row in rows if "front/hypervolume" in row]
    line = go.Scatter(x=[r["trial"] for r in rows], y=[r["front/hypervolume"] for r in rows])
    drawn = go.Figure(line)
    drawn.update_layout(xaxis={"title": "trial"}, yaxis={"title": "front/hypervolume"})
    return drawn


def settled(browser: Page) -> None:
    """Wait for two frames."""
    frame = "requestAnimationFrame"
    browser.run(f"new Promise((done) => {frame}(() => {frame}(done))).then(() => true)")


def save(browser: Page, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    browser.picture(path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
