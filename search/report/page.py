"""From a result to the page: gathers the parts, renders the template, writes the file."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from dato.files import replace_text
from search.metrics import metric
from search.records.findings import findings
from search.records.folder import StudyFolder
from search.records.result import StudyResult
from search.report.audit_table import bias
from search.report.cells import metric_text, significant
from search.report.contents import failures, flatten, numbers, rows, shown_first
from search.report.front_columns import front_columns, front_lines, other_devices
from search.report.front_table import feasibility
from search.report.importance import importance
from search.report.plots import (
    front_figure,
    heldout_figure,
    others,
    progress_figure,
    real_figure,
)
from search.report.sample_uris import load_samples
from search.report.strips import strips

HERE = Path(__file__).parent
SCRIPTS = ("plots.js", "card.js", "difference.js")


def write_report(result: StudyResult, folder: StudyFolder) -> Path:
    """Write ``folder.report``: a page without network access, whatever the study reached.

    Every name, prompt, path and message of the study is escaped. If samples are missing, the front
    is empty or all trials failed, that part of the page is left out and says so.
    """
    replace_text(folder.report, render(result, folder))
    return folder.report


def render(result: StudyResult, folder: StudyFolder) -> str:
    """The page as text."""
    figures = {
        name: figure
        for name, figure in (
            ("front", front_figure(result)),
            ("real", real_figure(result)),
            ("progress", progress_figure(result)),
            ("heldout", heldout_figure(result)),
        )
        if figure is not None
    }
    samples = load_samples(result, folder)
    return _template().render(
        result=result,
        numbers=numbers(result),
        rows=rows(result),
        first=shown_first(result, samples.members),
        findings=findings(result),
        importance=importance(result.records, result.objective),
        feasibility=feasibility(result),
        devices=other_devices(result),
        asked=metric(result.objective),
        columns=front_columns(result),
        lines=front_lines(result),
        bias=bias(result),
        strips=strips(result),
        unpatched=samples.unpatched,
        samples=samples.members,
        missing=samples.missing,
        failures=failures(result),
        settings=flatten(result.config),
        has=frozenset(figures),
        others=others(result),
        figures=Markup(_script_json({name: _plain(figure) for name, figure in figures.items()})),
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        script=Markup("".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)),
        plotly=Markup(get_plotlyjs() if figures else ""),
    )


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["significant"] = significant
    environment.filters["metric_text"] = metric_text
    return environment.get_template("page.html")


def _plain(figure: Figure) -> object:
    return json.loads(figure.to_json())


def _script_json(value: object) -> str:
    """JSON that cannot end the script element that holds it."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
